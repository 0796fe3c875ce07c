package watcher

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"
)

// One handle tells of the whole tree, at any depth and under names of any length.
func TestSubtreeTells(t *testing.T) {
	root := t.TempDir()
	hints := newDirty()
	n, err := newNotifier(root, hints)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := n.close(); err != nil {
			t.Error(err)
		}
	}()
	deep := filepath.Join(root, strings.Repeat("deep directory", 5), strings.Repeat("deeper", 20), strings.Repeat("deepest", 20))
	name := filepath.Join(deep, "file.txt")
	write(t, name, "x")
	seen := map[string]fsnotify.Op{}
	eventually(t, "the file is told of", func() bool {
		for name, op := range hints.take() {
			seen[name] |= op
		}
		return seen[name]&fsnotify.Create != 0
	})
	if err := os.Rename(filepath.Dir(deep), filepath.Join(root, "short")); err != nil {
		t.Errorf("a directory in a watched tree cannot be renamed: %v", err)
	}
	eventually(t, "the rename is told of", func() bool {
		for name, op := range hints.take() {
			seen[name] |= op
		}
		return seen[filepath.Join(root, "short")]&fsnotify.Create != 0 && seen[filepath.Dir(deep)]&fsnotify.Rename != 0
	})
	if _, err := hints.urgent(); err != nil {
		t.Error(err)
	}
}

// What changes before anybody reads is told too: a scan that comes before the change would not see it.
func TestSubtreeTellsFromTheStart(t *testing.T) {
	root := t.TempDir()
	n, err := newSubtree(root)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(root, "file.txt")
	write(t, name, "x")
	hints := newDirty()
	n.reading.Go(func() {
		if err := n.read(hints); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the file is told of", func() bool { return hints.take()[name] != 0 })
	if err := n.close(); err != nil {
		t.Error(err)
	}
}

func TestSubtreeOfNothing(t *testing.T) {
	if n, err := newNotifier(filepath.Join(t.TempDir(), "none"), newDirty()); err == nil {
		_ = n.close()
		t.Error("a directory that does not exist is watched")
	}
}
