package watcher

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestExtentOfAFolder(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"a/b/c", "left/out/below", "d"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.FromSlash(dir)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "a", "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rules := Rules{Name: "f", Root: root, Exclude: []string{"left/**"}}
	s, err := MeasureExtent(t.Context(), rules, 1000)
	if err != nil || s.Directories < 5 || s.Directories > 6 || !s.Complete || s.FileSystem == "" || s.Unreadable != nil { // left itself may count
		t.Errorf("%+v, %v", s, err)
	}
	if s, err := MeasureExtent(t.Context(), rules, 2); err != nil || s.Directories != 2 || s.Complete {
		t.Errorf("two at most: %+v, %v", s, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := MeasureExtent(ended, rules, 1000); err != nil || s.Complete {
		t.Errorf("no time: %+v, %v", s, err)
	}
	if _, err := MeasureExtent(t.Context(), Rules{Root: filepath.Join(root, "none")}, 10); err == nil {
		t.Error("a folder that is not there was counted")
	}
	if kind, err := FileSystemOf(root); err != nil || kind != s.FileSystem {
		t.Errorf("%q, %v", kind, err)
	}
}
