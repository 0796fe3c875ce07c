package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// storeName is how the names of the store's files begin.
const storeName = "dropferry.db"

// look returns what a process holds, as /proc shows it; see proc_pid_status(5).
func look(pid int) (figures, error) {
	var f figures
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return f, err
	}
	f.FDs, f.Open = len(fds), map[string]int{}
	for _, fd := range fds {
		if to, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name())); err == nil {
			f.Open[kindOfFile(to)]++
			if strings.HasPrefix(filepath.Base(to), storeName) {
				f.Store++
			}
		}
	}
	f.FDs -= f.Store
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return f, err
	}
	for line := range strings.Lines(string(text)) {
		var n int64
		if _, err := fmt.Sscanf(line, "Threads: %d", &n); err == nil {
			f.Threads = int(n)
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &n); err == nil {
			f.MostMemory = n << 10
		}
	}
	return f, nil
}

// kindOfFile takes the number from a name such as socket:[4711].
func kindOfFile(name string) string {
	if kind, _, numbered := strings.Cut(name, ":["); numbered {
		return kind
	}
	return name
}

// goroutines counts those that Go's dump shows, which SIGQUIT asks for.
func goroutines(dump string) int {
	n := 0
	for line := range strings.Lines(dump) {
		if strings.HasPrefix(line, "goroutine ") && strings.Contains(line, "[") {
			n++
		}
	}
	return n
}
