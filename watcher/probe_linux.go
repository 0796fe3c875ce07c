package watcher

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// probeWriters asks for a read lease on f and gives it back at once. The kernel grants none while anybody has the file
// open for writing, or mapped writable, even with the descriptor closed: see fcntl(2), F_SETLEASE. It grants leases to
// the owner of the file and to CAP_LEASE only. f must be open for reading only.
func probeWriters(f *os.File) writers {
	conn, err := f.SyscallConn()
	if err != nil {
		return writersUnknown
	}
	found := writersUnknown
	err = conn.Control(func(fd uintptr) {
		switch _, err := unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_RDLCK); {
		case err == nil:
			// An opening writer would wait for this; while the descriptor is open it cannot fail.
			_, _ = unix.FcntlInt(fd, unix.F_SETLEASE, unix.F_UNLCK)
			found = writersNone
		case errors.Is(err, unix.EAGAIN) && fileSystemOf(fd) != networkFS:
			found = writersPresent // NFS and SMB answer EAGAIN also for want of a delegation
		}
	})
	if err != nil {
		return writersUnknown
	}
	return found
}
