package e2e

import (
	"os/exec"
	"syscall"
)

// tie lets the kernel kill the process when the thread that starts it ends, so that a test run that is killed leaves
// nothing behind; see PR_SET_PDEATHSIG in prctl(2).
func tie(command *exec.Cmd) {
	attr := &syscall.SysProcAttr{}
	if command.SysProcAttr != nil {
		*attr = *command.SysProcAttr
	}
	attr.Pdeathsig = syscall.SIGKILL
	command.SysProcAttr = attr
}
