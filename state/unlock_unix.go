//go:build unix

package state

import (
	"os"

	"golang.org/x/sys/unix"
)

// unlock gives back what tryLock has taken.
func unlock(f *os.File) error {
	return os.NewSyscallError("flock", unix.Flock(int(f.Fd()), unix.LOCK_UN))
}
