package sftptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// child is a process that descends from sshd.
type child struct {
	pid, parent int
	state       state
	name        string // of the program, without its directory; Linux cuts it to 15 bytes
}

type state int

const (
	running state = iota
	stopped
	ended // or a zombie, which holds nothing any more
)

// descendants returns the processes below pid, at any depth, by what the system says of their parents.
func descendants(pid int) []child {
	byParent := map[int][]child{}
	for _, c := range processes() {
		byParent[c.parent] = append(byParent[c.parent], c)
	}
	var found []child
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		for _, c := range byParent[todo[0]] {
			found = append(found, c)
			todo = append(todo, c.pid)
		}
	}
	return found
}

// stateOf returns the state of a process.
func stateOf(pid int) state {
	if text, err := os.ReadFile(procStat(pid)); err == nil {
		if c, ok := parseProcStat(string(text)); ok {
			return c.state
		}
	}
	if _, err := os.Stat(procStat(os.Getpid())); err == nil {
		return ended // there is a /proc, and the process is not in it
	}
	for _, c := range processes() {
		if c.pid == pid {
			return c.state
		}
	}
	return ended
}

func procStat(pid int) string { return filepath.Join("/proc", strconv.Itoa(pid), "stat") }

// processes lists all processes: from /proc, or from ps where there is none.
func processes() (all []child) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // its one error is a bad pattern
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if c, ok := parseProcStat(string(text)); ok {
			all = append(all, c)
		}
	}
	if len(all) > 0 {
		return all
	}
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,stat=,comm=").Output()
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		if c, ok := newChild(f[0], f[1], f[2], filepath.Base(f[3])); ok {
			all = append(all, c)
		}
	}
	return all
}

// parseProcStat reads pid, name, state and parent of /proc/PID/stat; see proc_pid_stat(5). A name may hold anything, so
// the last parenthesis ends it.
func parseProcStat(text string) (child, bool) {
	pid, rest, ok := strings.Cut(text, " (")
	end := strings.LastIndex(rest, ") ")
	if !ok || end < 0 {
		return child{}, false
	}
	f := strings.Fields(rest[end+2:])
	if len(f) < 2 {
		return child{}, false
	}
	return newChild(pid, f[1], f[0], rest[:end])
}

func newChild(pid, parent, stat, name string) (child, bool) {
	id, err := strconv.Atoi(pid)
	if err != nil {
		return child{}, false
	}
	above, err := strconv.Atoi(parent)
	if err != nil || stat == "" {
		return child{}, false
	}
	c := child{pid: id, parent: above, name: name}
	switch stat[0] {
	case 'T', 't':
		c.state = stopped
	case 'Z', 'X':
		c.state = ended
	}
	return c, true
}

// kill kills a process that descends from us.
func kill(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // one that has ended already is as good
	}
}
