package syncer

import (
	"os"
	"syscall"
)

// birthOf returns when an open directory was made, in nanoseconds since 1970; 0 where the system does not tell.
func birthOf(d *os.File) int64 {
	var info syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(d.Fd()), &info); err != nil {
		return 0
	}
	return info.CreationTime.Nanoseconds()
}
