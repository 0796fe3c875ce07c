package watcher

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestRunRootMissingAtStart(t *testing.T) {
	root := filepath.Join(t.TempDir(), "later")
	rec := start(t, newQuick(t, Rules{Root: root}))
	eventually(t, "waiting", func() bool { return rec.status().State == Waiting })
	if want := root + " does not exist. Waiting until it appears; nothing is taken for gone."; rec.status().Reason != want {
		t.Errorf("reason %q", rec.status().Reason)
	}
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
	eventually(t, "watching", func() bool { s := rec.status(); return s.State == Watching && s.Reason == "" })
}

func TestRunRootIsAFile(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	write(t, root, "x")
	rec := start(t, newQuick(t, Rules{Root: root}))
	eventually(t, "waiting", func() bool { return rec.status().State == Waiting })
	if rec.status().Reason == "" || rec.scanned() != 0 {
		t.Errorf("reason %q, %d scans", rec.status().Reason, rec.scanned())
	}
	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
}

// A root that goes away means that nothing is known, not that everything is gone.
func TestRunRootRemovedAndRecreated(t *testing.T) {
	parent := t.TempDir()
	root := filepath.Join(parent, "root")
	write(t, filepath.Join(root, "a/b"), "x")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	eventually(t, "the file is ready", func() bool { return rec.isReady("a/b") })
	for i := range 3 {
		rename(t, root, filepath.Join(parent, fmt.Sprint("away", i)))
		eventually(t, "waiting", func() bool { return rec.status().State == Waiting })
		if len(rec.lastScan()) == 0 {
			t.Fatal("an empty scan was told")
		}
		p := file.Path(fmt.Sprint("c", i, "/d"))
		write(t, p.In(root), "x")
		eventually(t, "watching", func() bool { return rec.status().State == Watching })
		eventually(t, "the new file is ready", func() bool { return rec.isReady(p) })
		more := file.Path(fmt.Sprint("c", i, "/e"))
		write(t, more.In(root), "x")
		eventually(t, "events come", func() bool { return rec.isReady(more) })
	}
}

// A root replaced between two looks at its identity is noticed, too.
func TestRunRootReplaced(t *testing.T) {
	parent := t.TempDir()
	root := filepath.Join(parent, "root")
	write(t, filepath.Join(root, "old"), "x")
	write(t, filepath.Join(parent, "next/new"), "x")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	rename(t, root, filepath.Join(parent, "away"))
	rename(t, filepath.Join(parent, "next"), root)
	eventually(t, "the new root is scanned", func() bool { return slices.Equal(paths(rec.lastScan()), []string{"new"}) })
	eventually(t, "its file is ready", func() bool { return rec.isReady("new") })
}
