package main

import (
	"os/exec"
	"syscall"
)

// tie lets the kernel kill the process when the thread that starts it ends, so that a soak that is killed leaves nothing
// behind; see PR_SET_PDEATHSIG in prctl(2).
func tie(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
