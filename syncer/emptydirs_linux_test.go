package syncer

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDirectoryThatWasAMountPointGoes has a file system mounted on an empty directory just when that is made at the destination, and
// not for long.
func TestDirectoryThatWasAMountPointGoes(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	r, s := leftMirror(t)
	point := r.source("d")
	r.must(os.Mkdir(point, 0o755))
	entries := r.entries()
	if err := unix.Mount("tmpfs", point, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(point, unix.MNT_DETACH) }) // where the test has not
	r.onceWith(entries)
	r.await(EventMadeDir, "d", "acme")
	r.must(unix.Unmount(point, 0))
	r.wantGone(s, "d")
}
