package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownGroup keeps the terminal's interrupt from the command: the benchmark ends it itself.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// orphansGrace is how long what a command leaves behind may take to end by itself.
const orphansGrace = 2 * time.Second

// account runs a command until it ends, the limit is over or left is closed, and what descends from it too. It tells the
// number of the process, 0 where there is none. The error says that the command did not end well, or did not begin.
func account(command []string, limit time.Duration, left <-chan struct{}, tell func(pid int) error) (reading, error) {
	var r reading
	// Processes whose parents end become children of this one; see prctl(2).
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return r, fmt.Errorf("prctl PR_SET_CHILD_SUBREAPER: %w", err)
	}
	syscall.CloseOnExec(3)
	c := exec.Command(command[0], command[1:]...)
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	over := time.NewTimer(limit)
	defer over.Stop()
	began := time.Now()
	if err := c.Start(); err != nil {
		return r, errors.Join(err, tell(0))
	}
	err := tell(c.Process.Pid)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = errors.Join(err, c.Wait())
	}()
	grace := orphansGrace
	select {
	case <-ended:
		r.Wall = time.Since(began)
	case <-over.C:
		r.Cut, r.Wall, grace = true, limit, 0
	case <-left:
		grace = 0
	}
	if grace == 0 {
		_ = c.Process.Kill() // it may have ended just now
		<-ended
	}
	reapOrphans(grace)
	var all syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &all); err != nil {
		return r, fmt.Errorf("getrusage: %w", err)
	}
	r.CPU = time.Duration(all.Utime.Nano() + all.Stime.Nano())
	r.PeakRSS = all.Maxrss << 10 // KiB; see getrusage(2)
	if grace == 0 {
		return r, nil // that it was killed is known
	}
	return r, err
}

// reapOrphans waits for all children of this process, so that their time counts, and kills them after the grace.
func reapOrphans(grace time.Duration) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			_, err := syscall.Wait4(-1, nil, 0, nil)
			if err != nil && !errors.Is(err, syscall.EINTR) {
				return // ECHILD: there is none left
			}
		}
	}()
	wait := time.NewTimer(grace)
	defer wait.Stop()
	for {
		select {
		case <-gone:
			return
		case <-wait.C:
		}
		for _, pid := range children(os.Getpid()) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		wait.Reset(20 * time.Millisecond) // those of the killed come to us
	}
}

// children lists the processes whose parent is pid; see proc_pid_stat(5).
func children(pid int) (found []int) {
	names, _ := filepath.Glob("/proc/[0-9]*/stat") // its one error is a bad pattern
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// A name may hold anything, so the last parenthesis ends it. State and parent come next.
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(f) < 2 || f[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			found = append(found, child)
		}
	}
	return found
}

// fileSystem returns the free bytes and the kind of the file system that holds dir.
func fileSystem(dir string) (free int64, kind string, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	kind, known := map[int64]string{
		unix.TMPFS_MAGIC: "tmpfs", unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs",
		unix.BTRFS_SUPER_MAGIC: "btrfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	}[int64(s.Type)]
	if !known {
		kind = fmt.Sprintf("a file system of type %#x", s.Type)
	}
	return int64(s.Bavail) * int64(s.Bsize), kind, nil
}
