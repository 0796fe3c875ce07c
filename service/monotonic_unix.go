//go:build unix

package service

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic returns what the clock CLOCK_MONOTONIC shows, which systemd and its services read alike.
func monotonic() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
