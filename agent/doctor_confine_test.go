package agent

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// What the system follows links for, a confinement is asked about without them, there or not yet.
func TestUnlinked(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "sent"), 0o700); err != nil {
		t.Fatal(err)
	}
	err = os.Symlink("sent", filepath.Join(dir, "link"))
	if err != nil && runtime.GOOS == "windows" {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"sent": "sent", "link": "sent", "link/2026/11": "sent/2026/11", "other/2026": "other/2026",
	} {
		if got := unlinked(filepath.Join(dir, filepath.FromSlash(path))); got != filepath.Join(dir, filepath.FromSlash(want)) {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}
