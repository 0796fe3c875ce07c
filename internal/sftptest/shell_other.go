//go:build !linux

package sftptest

import (
	"errors"
	"os/exec"
)

func (s *SSHD) underShell(*exec.Cmd) error {
	return errors.New("another login shell for one server needs Linux")
}
