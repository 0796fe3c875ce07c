//go:build unix

package logs

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// What root logs into the state of a service stays the service's.
func TestRootLeavesTheLogToTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	const owner = 12345
	dir := t.TempDir()
	if err := os.Chown(dir, owner, owner); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "log", "more", "dropferry.log")
	lines(t, opened(t, name, 100, 1), 0, 15)
	for _, made := range []string{filepath.Dir(filepath.Dir(name)), filepath.Dir(name), name, name + ".1"} {
		info, err := os.Stat(made)
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); st.Uid != owner || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s belongs to %d, mode %v", made, st.Uid, info.Mode())
		}
	}
}
