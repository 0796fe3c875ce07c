package watcher

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// inotifyLimits is where the kernel shows its limits: see inotify(7).
const inotifyLimits = "/proc/sys/fs/inotify/"

// knownLimit explains err where it is a limit of inotify. Its own words mislead: ENOSPC speaks of a disk, EMFILE of files.
func knownLimit(err error, starting bool) (sentence string, ok bool) {
	switch {
	case errors.Is(err, unix.ENOSPC):
		limit, err := readLimit("max_user_watches")
		if err != nil {
			return "the Linux inotify limit of watches is reached (the disk is not full). " +
				"Fix: sysctl fs.inotify.max_user_watches=524288.", true
		}
		return fmt.Sprintf("the Linux inotify limit %d is reached (the disk is not full). "+
			"Fix: sysctl fs.inotify.max_user_watches=%d.", limit, max(524288, 2*limit)), true
	case starting && errors.Is(err, unix.EMFILE):
		limit, err := readLimit("max_user_instances")
		if err != nil {
			return "this process has too many files open. Fix: raise its limit of open files " +
				"(LimitNOFILE= of a systemd unit, ulimit -n).", true
		}
		return fmt.Sprintf("the Linux limit of %d inotify instances for a user is reached. "+
			"Fix: sysctl fs.inotify.max_user_instances=%d.", limit, max(1024, 2*limit)), true
	}
	return "", false
}

// WatchLimits returns how many directories an account may watch, and with how many programs; ok is false where the system
// has no such limits, or does not tell.
func WatchLimits() (watches, instances int, ok bool) {
	watches, err := readLimit("max_user_watches")
	if err != nil {
		return 0, 0, false
	}
	instances, err = readLimit("max_user_instances")
	return watches, instances, err == nil
}

// readLimit fails where no file can be opened, too.
func readLimit(name string) (int, error) {
	text, err := os.ReadFile(inotifyLimits + name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
