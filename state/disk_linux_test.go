package state

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestRealDiskThatIsFull(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(mount, "state")
	s := openAt(t, dir)
	var kept []Intent
	refused := fillUp(t, s, func(in Intent) { kept = append(kept, in) })
	closeStore(t, s)

	s = openAt(t, dir)
	gone(t, s, refused.ID)
	for _, in := range kept {
		stored(t, s, in.ID)
	}
	checkWhole(t, s)
	closeStore(t, s)
	if err := syscall.Mount("", mount, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir)
	planOne(t, s, refused)
	closeStore(t, s)
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
