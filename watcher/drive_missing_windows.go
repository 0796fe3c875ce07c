package watcher

import (
	"errors"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// NoDrive tells whether name lies on a drive letter that this account does not have.
func NoDrive(name string) bool {
	drive, _, ok := driveOf(name)
	if !ok {
		return false
	}
	root, err := windows.UTF16PtrFromString(drive + `\`)
	return err == nil && windows.GetDriveType(root) == windows.DRIVE_NO_ROOT_DIR
}

// PersonsDrive tells, to a service, whether name lies on a drive letter that a person has mapped to a share, and returns the same path
// on the share, as far as that can be told: only administrators may read what others have mapped, so that unc may be "". It is a letter that
// this account does not have, and no disk of this machine has ever had: one that has may only be unplugged.
func PersonsDrive(name string) (unc string, is bool) {
	drive, rest, ok := driveOf(name)
	if !ok || !NoDrive(name) || wasOfDisk(drive) {
		return "", false
	}
	if share := mappedBySomebody(drive); share != "" {
		return joinShare(share, rest), true
	}
	return "", true
}

// wasOfDisk tells whether a disk of this machine has, or has had, a drive letter such as "E:"; true where that cannot be told. Windows
// keeps the letters of disks for when they are back.
func wasOfDisk(drive string) bool {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, `SYSTEM\MountedDevices`, registry.QUERY_VALUE)
	if err != nil {
		return true
	}
	defer key.Close() //nolint:errcheck // opened for reading
	_, _, err = key.GetValue(`\DosDevices\`+drive, nil)
	return !errors.Is(err, registry.ErrNotExist)
}

// mappedBySomebody returns the share that somebody who is logged on has mapped a drive letter to, to be mapped again at each logon; ""
// where nobody has whose registry may be read.
func mappedBySomebody(drive string) string {
	accounts, err := registry.USERS.ReadSubKeyNames(-1)
	if err != nil {
		return ""
	}
	for _, sid := range accounts {
		key, err := registry.OpenKey(registry.USERS, sid+`\Network\`+drive[:1], registry.QUERY_VALUE)
		if err != nil {
			continue
		}
		share, _, err := key.GetStringValue("RemotePath")
		_ = key.Close() // opened for reading
		if err == nil && share != "" {
			return share
		}
	}
	return ""
}
