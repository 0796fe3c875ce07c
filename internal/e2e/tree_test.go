package e2e

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// tree returns the files under a directory with their content, by relative path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 { // a link to a directory, or to nothing, has no content
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				return nil
			}
		}
		content, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files[rel] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantTree compares a directory with what should be in it.
func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	for name, content := range want {
		if found, ok := got[name]; !ok {
			t.Errorf("%s: %q is missing", dir, name)
		} else if found != content {
			t.Errorf("%s: %q has %d other bytes than the %d expected", dir, name, len(found), len(content))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s: %q should not be there", dir, name)
	}
}

// awaitTree waits until a directory holds what it should and nothing else.
func awaitTree(t *testing.T, dir string, limit time.Duration, want map[string]string) {
	t.Helper()
	deadline := time.Now().Add(3 * limit) // on a busy machine
	for {
		asked := time.Now()
		if maps.Equal(tree(t, dir), want) {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("not within %v:", limit)
			wantTree(t, dir, want)
			t.FailNow()
		}
		rest(asked)
	}
}

// names returns every name under a directory, directories too, in order.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name != dir { // it went meanwhile
			return nil
		}
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if d.IsDir() {
			rel += "/"
		}
		all = append(all, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// age sets the modification time of a file back.
func age(t *testing.T, name string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}
