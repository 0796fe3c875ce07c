package config

import (
	"os"

	"golang.org/x/sys/windows"
)

// environment is os.Getenv, but that it knows where programs keep their data without the help of the environment: that of a
// service may lack it, and a person can change it.
func environment(name string) string {
	if name == "ProgramData" {
		if dir, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT); err == nil && dir != "" {
			return dir
		}
	}
	return os.Getenv(name)
}
