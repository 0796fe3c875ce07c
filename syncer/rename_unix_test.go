//go:build unix

package syncer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestRenamesThatReplaceNothing tries both ways to rename: that of the system, and that for file systems which have none.
func TestRenamesThatReplaceNothing(t *testing.T) {
	t.Parallel()
	for name, rename := range map[string]func(from, to string) error{"system": renameNoReplace, "links": linkAndUnlink} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			from, to, free := filepath.Join(dir, "from"), filepath.Join(dir, "to"), filepath.Join(dir, "free")
			if err := errors.Join(os.WriteFile(from, []byte("from"), 0o600), os.WriteFile(to, []byte("to"), 0o600)); err != nil {
				t.Fatal(err)
			}
			if err := rename(from, to); !errors.Is(err, fs.ErrExist) {
				t.Errorf("over a file: %v", err)
			}
			wantTree(t, dir, map[string]string{"from": "from", "to": "to"})
			if err := rename(from, free); err != nil {
				t.Error(err)
			}
			wantTree(t, dir, map[string]string{"free": "from", "to": "to"})
			if err := rename(from, filepath.Join(dir, "other")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of nothing: %v", err)
			}
		})
	}
}

func TestSyncDir(t *testing.T) {
	t.Parallel()
	if err := syncDir(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := syncDir(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing directory: %v", err)
	}
}
