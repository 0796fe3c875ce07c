//go:build unix

package state

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// tryHold locks one byte for the open file. A lock for the process would go when the process closes another descriptor
// of the same file: see fcntl(2), open file description locks.
func tryHold(f *os.File, place int64) (bool, error) {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: 0, Start: place, Len: 1}
	for {
		err := unix.FcntlFlock(f.Fd(), openFileLock, &lock)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, os.NewSyscallError("fcntl", err)
		}
	}
}
