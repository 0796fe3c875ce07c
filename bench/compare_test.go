package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	from, err := workload{count: 4, size: 10, dirs: 2}.make(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := filepath.Join("payload", "dir-000", "file-00000.bin")
	for _, c := range []struct {
		name   string
		change func(target string) error
		want   string // "" is no difference
	}{
		{"the same", func(string) error { return nil }, ""},
		{"missing", func(target string) error { return os.Remove(filepath.Join(target, first)) }, first + " is missing"},
		{"longer", func(target string) error {
			return os.WriteFile(filepath.Join(target, first), make([]byte, 11), 0o600)
		}, first + " has 11 bytes instead of 10"},
		{"other bytes", func(target string) error {
			return os.WriteFile(filepath.Join(target, first), make([]byte, 10), 0o600)
		}, first + " has other bytes"},
		{"a temporary name", func(target string) error {
			return os.WriteFile(filepath.Join(target, "payload", ".x.part"), nil, 0o600)
		}, "payload/.x.part is not wanted"},
		{"another directory", func(target string) error { return os.Mkdir(filepath.Join(target, "more"), 0o700) }, "more is not wanted"},
		{"a link", func(target string) error {
			name := filepath.Join(target, first)
			return errors.Join(os.Remove(name), os.Symlink(filepath.Join(filepath.Dir(from.dir), first), name))
		}, first + " is of another kind"},
		{"nothing", func(target string) error { return os.RemoveAll(filepath.Join(target, "payload")) }, "and 4 more"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := t.TempDir()
			if err := os.CopyFS(filepath.Join(target, "payload"), os.DirFS(from.dir)); err != nil {
				t.Fatal(err)
			}
			if err := c.change(target); err != nil {
				t.Fatal(err)
			}
			err := from.want.compare(target)
			var differs treeError
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (!errors.As(err, &differs) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
