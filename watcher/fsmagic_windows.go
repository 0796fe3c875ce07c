package watcher

import (
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
)

// fileSystem tells what kind of file system d lies on, by its drive.
func (d *dir) fileSystem() fileSystem {
	volume := filepath.VolumeName(d.path)
	if strings.HasPrefix(volume, `\\`) && !strings.HasPrefix(volume, `\\?\`) && !strings.HasPrefix(volume, `\\.\`) {
		return networkFS
	}
	if p, err := windows.UTF16PtrFromString(volume + `\`); err == nil && windows.GetDriveType(p) == windows.DRIVE_REMOTE {
		return networkFS
	}
	return localFS
}
