package watcher

import "golang.org/x/sys/windows"

// NoDrive tells whether name lies on a drive letter that this account does not have.
func NoDrive(name string) bool {
	drive, _, ok := driveOf(name)
	if !ok {
		return false
	}
	root, err := windows.UTF16PtrFromString(drive + `\`)
	return err == nil && windows.GetDriveType(root) == windows.DRIVE_NO_ROOT_DIR
}
