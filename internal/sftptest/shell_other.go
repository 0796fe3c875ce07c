//go:build !linux

package sftptest

import (
	"errors"
	"os/exec"
)

func underPasswd(*exec.Cmd, string, string) error {
	return errors.New("an account that is another for one server needs Linux")
}
