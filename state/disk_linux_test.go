package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRealDiskThatIsFull(t *testing.T) {
	mount := t.TempDir()
	switch err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=2m"); {
	case errors.Is(err, syscall.EPERM) && (os.Geteuid() != 0 || os.Getenv("DROPFERRY_REQUIRE_SSHD") != "1"):
		t.Skipf("a small disk cannot be mounted here, by this account: %v", err)
	case err != nil:
		t.Fatalf("mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(mount, "state")
	s := openAt(t, dir)
	deliver(t, s, planOne(t, s, intentFor(route, "delivered")), true)
	var kept []Intent
	refused := fillUp(t, s, func(in Intent) { kept = append(kept, in) })
	closeStore(t, s)

	s = openAt(t, dir)
	gone(t, s, refused.ID)
	if room, ok := errors.AsType[*RoomError](s.Room(1 << 20)); !ok || room.Free >= 1<<20 || room.Dir != dir {
		t.Errorf("room: %v", room)
	}
	if name, err := s.Backup(t.Context(), noon); name != "" || err == nil || !strings.Contains(err.Error(), "bytes are free") {
		t.Errorf("a copy without room for it: %q, %v", name, err)
	}
	for _, in := range kept {
		stored(t, s, in.ID)
	}
	checkWhole(t, s)
	closeStore(t, s)
	if err := syscall.Mount("", mount, "", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir)
	if err := s.Room(1 << 20); err != nil {
		t.Error(err)
	}
	planOne(t, s, refused)
	if name, err := s.Backup(t.Context(), noon); name == "" || err != nil {
		t.Errorf("a copy: %q, %v", name, err)
	}
	closeStore(t, s)
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
