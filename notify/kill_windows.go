package notify

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// killAll opens no window for the program. What it has started may outlive it.
func killAll(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{CreationFlags: windows.CREATE_NO_WINDOW}
}
