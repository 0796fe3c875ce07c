package file

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSpellingWhereNamesAreFolded is on a file system that is made to fold names.
func TestSpellingWhereNamesAreFolded(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"sub/a.txt", "b"} { // as they are on the disk
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[string][]string{"": {"Sub", "b"}, "sub": {"A.txt"}} // and as they were spelled
	read := 0
	s := &Spelling{
		lstat: func(name string) (os.FileInfo, error) {
			rel, err := filepath.Rel(root, name)
			if err != nil {
				return nil, err
			}
			return os.Lstat(filepath.Join(root, strings.ToLower(rel)))
		},
		names: func(dir string) ([]string, error) {
			read++
			rel, err := filepath.Rel(root, dir)
			if rel == "." {
				rel = ""
			}
			return shown[strings.ToLower(rel)], err
		},
	}
	for _, row := range []struct {
		p       Path
		another bool
	}{
		{"Sub/A.txt", false}, {"b", false}, {"none", false}, {"B", true}, {"Sub/a.txt", true}, {"sub/A.txt", true}, {"SUB/a.TXT", true},
	} {
		if got := s.IsAnother(root, row.p); got != row.another {
			t.Errorf("%s: %v, want %v", row.p, got, row.another)
		}
	}
	if read > 10 {
		t.Errorf("directories were read %d times", read)
	}
}
