//go:build unix && !linux

package service

import "syscall"

// attributesOf gives a process the account of a service.
func attributesOf(credential *syscall.Credential, _ []string) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: credential}
}
