package syncer

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/internal/mounted"
)

// TestDirectoryThatWasAMountPointGoes has a file system mounted on an empty directory just when that is made at the destination, and
// not for long.
func TestDirectoryThatWasAMountPointGoes(t *testing.T) {
	t.Parallel()
	r, s := leftMirror(t)
	point := r.source("d")
	r.must(os.Mkdir(point, 0o755))
	entries := r.entries()
	mounted.Mount(t, "tmpfs", point, "tmpfs", 0, "size=64k")
	r.onceWith(entries)
	r.await(EventMadeDir, "d", "acme")
	r.must(unix.Unmount(point, 0))
	r.wantGone(s, "d")
}
