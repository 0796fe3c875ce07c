//go:build unix

package sftptest

import "syscall"

func signalStop(pid int) error     { return syscall.Kill(pid, syscall.SIGSTOP) }
func signalContinue(pid int) error { return syscall.Kill(pid, syscall.SIGCONT) }
