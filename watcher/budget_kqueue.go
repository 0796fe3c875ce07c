//go:build !linux && !windows

package watcher

import "golang.org/x/sys/unix"

// maxDescriptors is what watching one folder may take at most, where the process may have plenty.
const maxDescriptors = 4096

// descriptorBudget is a quarter of what the process may have open, for each folder.
func descriptorBudget() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 64
	}
	return int(min(uint64(limit.Cur)/4, maxDescriptors))
}
