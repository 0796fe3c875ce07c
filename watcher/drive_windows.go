package watcher

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

var getConnection = windows.NewLazySystemDLL("mpr.dll").NewProc("WNetGetConnectionW")

// MappedDrive tells whether name lies on a drive letter that a person has mapped to a share, and returns the same path
// on the share. Such letters belong to a person's session: a service has none of them, so a folder of a service must be
// named by its share. unc is "" where the share cannot be told.
func MappedDrive(name string) (unc string, mapped bool) {
	drive, rest, ok := driveOf(name)
	if !ok {
		return "", false
	}
	root, err := windows.UTF16PtrFromString(drive + `\`)
	if err != nil || windows.GetDriveType(root) != windows.DRIVE_REMOTE {
		return "", false
	}
	share, err := shareOf(drive)
	if err != nil {
		return "", true
	}
	return joinShare(share, rest), true
}

// shareOf returns the share that a drive such as "Z:" stands for in this session.
func shareOf(drive string) (string, error) {
	if err := getConnection.Find(); err != nil {
		return "", err
	}
	p, err := windows.UTF16PtrFromString(drive)
	if err != nil {
		return "", err
	}
	buf := make([]uint16, windows.MAX_LONG_PATH)
	length := uint32(len(buf))
	code, _, _ := getConnection.Call(uintptr(unsafe.Pointer(p)), uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&length)))
	if code != 0 {
		return "", syscall.Errno(code)
	}
	return windows.UTF16ToString(buf), nil
}

// asBytes shows the same memory.
func asBytes(words []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words))
}
