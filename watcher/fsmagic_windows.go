package watcher

import (
	"golang.org/x/sys/windows"
)

// fileSystem tells what kind of file system d lies on, by its drive.
func (d *dir) fileSystem() fileSystem {
	if isUNC(d.path) {
		return networkFS
	}
	drive, _, ok := driveOf(d.path)
	if !ok {
		return localFS
	}
	if p, err := windows.UTF16PtrFromString(drive + `\`); err == nil && windows.GetDriveType(p) == windows.DRIVE_REMOTE {
		return networkFS
	}
	return localFS
}
