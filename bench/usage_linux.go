package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what a process has used so far.
type usage struct {
	cpu       time.Duration // of all its threads that are alive
	rss, peak int64         // bytes in memory, now and at most
}

func endProcess(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

// usageOf reads what a running process has used; see proc(5). The scheduler's own figures are in nanoseconds, where those of
// /proc/PID/stat are too coarse to tell idling from nothing.
func usageOf(pid int) (usage, error) {
	var u usage
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return u, err
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		onCPU, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(onCPU, 10, 64)
		if err != nil {
			return u, fmt.Errorf("%s: %w", name, err)
		}
		u.cpu += time.Duration(n)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	u.rss, u.peak = kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")
	if u.rss == 0 || len(threads) == 0 {
		return u, fmt.Errorf("process %d tells nothing of itself", pid)
	}
	return u, nil
}

// kibibytes returns, in bytes, what a line of /proc/PID/status says, 0 where there is none.
func kibibytes(status []byte, key string) int64 {
	for line := range bytes.Lines(status) {
		if rest, found := bytes.CutPrefix(line, []byte(key)); found {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(rest)), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
