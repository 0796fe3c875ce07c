package watcher

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// mountInfo is the table of what is mounted where this process can see it.
const mountInfo = "/proc/self/mountinfo"

// readMounts returns what is mounted below root.
func readMounts(root string) (mountTable, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(mountInfo)
	if err != nil {
		return nil, err
	}
	return parseMounts(string(text), real), nil
}

// mountEvents tells of changes of the table. nil tells of none. Source: proc(5), /proc/pid/mounts: a file descriptor of it is marked as having a
// priority event by poll(2) once something is mounted or unmounted.
type mountEvents struct{ fd int }

// openMountEvents begins with what changes from now on. It returns nil where nobody tells.
func openMountEvents() *mountEvents {
	fd, err := retry(func() (int, error) { return unix.Open(mountInfo, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return nil
	}
	return &mountEvents{fd}
}

// changed tells whether something has changed since it was asked last.
func (e *mountEvents) changed() bool {
	if e == nil {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLPRI}}
	n, err := retry(func() (int, error) { return unix.Poll(fds, 0) })
	return n > 0 || err != nil
}

func (e *mountEvents) close() {
	if e != nil {
		_ = unix.Close(e.fd) // nothing was written
	}
}
