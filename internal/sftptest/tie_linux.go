package sftptest

import (
	"os/exec"
	"syscall"
)

// tieToThread lets the kernel kill the process when the thread that starts it ends, so that a test binary that is
// killed leaves no server behind; see prctl(2), PR_SET_PDEATHSIG. The caller keeps its thread for as long.
func tieToThread(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
