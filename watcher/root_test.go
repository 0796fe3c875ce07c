package watcher

import (
	"errors"
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
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	rename(t, root, filepath.Join(parent, "away"))
	rename(t, filepath.Join(parent, "next"), root)
	// The first scan of another root is not believed where it says that something is gone.
	eventually(t, "the new root is scanned", func() bool {
		scan := rec.lastScan()
		return slices.Equal(paths(scan), []string{"new", ""}) && errors.Is(scan[1].Err, errOtherRoot)
	})
	eventually(t, "its file is ready", func() bool { return rec.isReady("new") })
	w.Rescan()
	eventually(t, "the second is", func() bool { return slices.Equal(paths(rec.lastScan()), []string{"new"}) && rec.status().Complete })
}

// A root that was away for a moment is the same as ever, and is watched no more: the system stops when it is moved.
func TestRunRootMovedAwayAndBack(t *testing.T) {
	parent := t.TempDir()
	root, away := filepath.Join(parent, "root"), filepath.Join(parent, "away")
	write(t, filepath.Join(root, "sub/a"), "x")
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	wantHints := func(name string) {
		t.Helper()
		for _, p := range []file.Path{file.Path(name), "sub/" + file.Path(name)} {
			write(t, p.In(root), "x")
			eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
		}
	}
	rename(t, root, away)
	rename(t, away, root)
	wantHints("back")

	rename(t, root, away)
	if err := os.Symlink(away, root); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	wantHints("linked") // a link that leads to the same directory

	if err := os.Remove(root); err != nil {
		t.Fatal(err)
	}
	rename(t, away, root)
	wantHints("back-again")
	if scan := rec.lastScan(); len(scan) == 0 || scan[len(scan)-1].Err != nil {
		t.Errorf("the same directory is doubted: %+v", scan)
	}
}

// A root that is replaced by a link to another directory is another root.
func TestRunRootReplacedByLink(t *testing.T) {
	parent := t.TempDir()
	root := filepath.Join(parent, "root")
	write(t, filepath.Join(root, "old"), "x")
	write(t, filepath.Join(parent, "other/new"), "x")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	rename(t, root, filepath.Join(parent, "away"))
	if err := os.Symlink("other", root); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	eventually(t, "its file is ready", func() bool { return rec.isReady("new") })
	write(t, filepath.Join(root, "later"), "x")
	eventually(t, "it is watched", func() bool { return rec.isReady("later") })
	for _, scan := range rec.allScans() {
		_, old := find(scan, "old")
		if trusted := len(scan) == 0 || scan[len(scan)-1].Path != ""; !old && trusted && len(rec.allScans()) < 3 {
			t.Errorf("a first scan of the other root says that the file is gone: %q", paths(scan))
		}
	}
}
