package watcher

import (
	"time"

	"golang.org/x/sys/unix"
)

// readClocks asks for both clocks that count from the start of the machine: CLOCK_BOOTTIME goes on while it is suspended,
// CLOCK_MONOTONIC, which time.Now has within, does not. See clock_gettime(2).
func readClocks() reading {
	var boot, mono unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &boot) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &mono) != nil {
		return reading{at: time.Now()}
	}
	return reading{at: time.Now(), asleep: time.Duration(boot.Nano() - mono.Nano()), tells: true}
}
