//go:build unix

package notify

import (
	"os/exec"
	"syscall"
)

// killAll gives the program a process group, which is killed with it.
func killAll(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
}
