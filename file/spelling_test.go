package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestRespelled(t *testing.T) {
	for name, want := range map[string][]string{
		"123_": nil, "a1": {"A1"}, "Sub/a.TXT": {"sUB/A.txt"}, "caf\u00e9": {"CAF\u00c9", "cafe\u0301"}, "e\u0301": {"E\u0301", "\u00e9"},
	} {
		if got := file.Respelled(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// TestSpelling finds a file that got another spelling of its name where the file system takes both for one; elsewhere names are
// what they are, also of a file that has both.
func TestSpelling(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"Sub/A.txt", "plain", "123"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := os.Lstat(filepath.Join(root, "PLAIN"))
	folds := err == nil
	if !folds {
		if err := os.Link(filepath.Join(root, "plain"), filepath.Join(root, "PLAIN")); err != nil {
			t.Fatal(err)
		}
	}
	s := file.NewSpelling()
	for p, another := range map[file.Path]bool{
		"Sub/A.txt": false, "plain": false, "123": false, "none": false,
		"sub/A.txt": folds, "Sub/a.txt": folds, "PLAIN": folds,
	} {
		if got := s.IsAnother(root, p); got != another {
			t.Errorf("%s, where names are folded: %v: %v, want %v", p, folds, got, another)
		}
	}
}
