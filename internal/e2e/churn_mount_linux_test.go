package e2e

import (
	"os"
	"syscall"
)

// mountTemporary mounts a small empty file system over a directory. It returns false where that is not allowed.
func mountTemporary(at string) bool {
	return os.Geteuid() == 0 && syscall.Mount("tmpfs", at, "tmpfs", 0, "size=64m,mode=700") == nil
}

// unmountTemporary unmounts it, if it still is mounted.
func unmountTemporary(at string) { _ = syscall.Unmount(at, syscall.MNT_DETACH) }
