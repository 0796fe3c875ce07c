package file

import (
	"io/fs"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// fingerprint opens the file for its attributes: a directory entry's size lags behind what a writer has written, and
// has neither file index nor change time.
func fingerprint(name string, info fs.FileInfo) (Fingerprint, error) {
	if !info.Mode().IsRegular() {
		return Fingerprint{Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
	}
	p, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return Fingerprint{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	const share = syscall.FILE_SHARE_READ | syscall.FILE_SHARE_WRITE | syscall.FILE_SHARE_DELETE
	h, err := syscall.CreateFile(p, windows.FILE_READ_ATTRIBUTES, share, nil, syscall.OPEN_EXISTING, syscall.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return Fingerprint{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	defer syscall.CloseHandle(h)
	return byHandle(h, name)
}

func handleFingerprint(f *os.File, _ fs.FileInfo) (Fingerprint, error) {
	return byHandle(syscall.Handle(f.Fd()), f.Name())
}

func byHandle(h syscall.Handle, name string) (Fingerprint, error) {
	var d syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(h, &d); err != nil {
		return Fingerprint{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return Fingerprint{
		Size:       int64(d.FileSizeHigh)<<32 | int64(d.FileSizeLow),
		ModTime:    d.LastWriteTime.Nanoseconds(),
		ChangeTime: changeTime(h),
		Dev:        uint64(d.VolumeSerialNumber),
		Inode:      uint64(d.FileIndexHigh)<<32 | uint64(d.FileIndexLow),
	}, nil
}

// changeTime returns when the file or what is known of it has last changed, which nobody can set back by setting times;
// 0 where the file system does not tell, FAT for one.
func changeTime(h syscall.Handle) int64 {
	var basic struct { // FILE_BASIC_INFO
		creation, access, write, change int64 // 100 ns since 1601
		attributes                      uint32
	}
	err := windows.GetFileInformationByHandleEx(windows.Handle(h), windows.FileBasicInfo, (*byte)(unsafe.Pointer(&basic)), uint32(unsafe.Sizeof(basic)))
	if err != nil || basic.change == 0 {
		return 0
	}
	t := syscall.Filetime{LowDateTime: uint32(basic.change), HighDateTime: uint32(basic.change >> 32)}
	return t.Nanoseconds()
}
