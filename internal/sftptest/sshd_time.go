package sftptest

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// procTick is the unit of times in /proc, whatever the kernel's own clock is; see time(7).
const procTick = 10 * time.Millisecond

// ProcessorTime is how long the server and all its sessions so far, since it was last started, have kept a processor
// busy. What a session started and did not live to wait for is missing, and so is everything where there is no /proc.
func (s *SSHD) ProcessorTime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	sum := processorTime(s.process.pid)
	for _, c := range descendants(s.process.pid) {
		sum += processorTime(c.pid)
	}
	return sum
}

// processorTime is that of a process and of the children that it has waited for.
func processorTime(pid int) time.Duration {
	text, err := os.ReadFile(procStat(pid))
	if err != nil {
		return 0 // it has ended, and its parent has its time
	}
	return parseProcTimes(string(text))
}

// parseProcTimes reads utime, stime, cutime and cstime of /proc/PID/stat; see proc_pid_stat(5).
func parseProcTimes(text string) time.Duration {
	const first, last = 14 - 3, 17 - 3 // counted from the state, the third field, which follows the name
	f := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(f) <= last {
		return 0
	}
	var ticks int64
	for _, field := range f[first : last+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		ticks += n
	}
	return time.Duration(ticks) * procTick
}
