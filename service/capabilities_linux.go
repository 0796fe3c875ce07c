package service

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// aboutFiles are the capabilities that decide what a service may read and write, by their names with systemd: see capabilities(7).
var aboutFiles = map[string]uintptr{
	"cap_chown": unix.CAP_CHOWN, "cap_dac_override": unix.CAP_DAC_OVERRIDE, "cap_dac_read_search": unix.CAP_DAC_READ_SEARCH,
	"cap_fowner": unix.CAP_FOWNER, "cap_lease": unix.CAP_LEASE,
}

// attributesOf gives a process the account and the capabilities of a service, as far as they matter for files.
func attributesOf(credential *syscall.Credential, capabilities []string) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Credential: credential}
	for _, name := range capabilities {
		if number, is := aboutFiles[name]; is && !slices.Contains(attributes.AmbientCaps, number) {
			attributes.AmbientCaps = append(attributes.AmbientCaps, number)
		}
	}
	return attributes
}
