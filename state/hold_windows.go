package state

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// tryHold locks one byte for the open file.
func tryHold(f *os.File, place int64) (bool, error) {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	at := windows.Overlapped{Offset: uint32(place), OffsetHigh: uint32(place >> 32)}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return false, nil
	}
	return err == nil, os.NewSyscallError("LockFileEx", err)
}

// unlock gives back what tryLock has taken.
func unlock(f *os.File) error {
	far := windows.Overlapped{Offset: 1 << 30}
	return os.NewSyscallError("UnlockFileEx", windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, &far))
}
