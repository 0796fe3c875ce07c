package e2e

import (
	"syscall"
	"testing"

	"github.com/dropferry/dropferry/internal/mounted"
)

// mountTemporary mounts a small empty file system over a directory. It returns false where that is not allowed.
func mountTemporary(t testing.TB, at string) bool {
	t.Helper()
	err := syscall.Mount("tmpfs", at, "tmpfs", 0, "size=64m,mode=700")
	if err != nil && mounted.Required() {
		mounted.Missing(t, "tmpfs", err)
	}
	return err == nil
}

// unmountTemporary unmounts it, if it still is mounted.
func unmountTemporary(at string) { _ = syscall.Unmount(at, syscall.MNT_DETACH) }
