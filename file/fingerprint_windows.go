package file

import (
	"io/fs"
	"os"
	"syscall"
)

// fingerprint opens the file for its attributes: a directory entry's size lags behind what a writer has written, and
// has no file index.
func fingerprint(name string, info fs.FileInfo) (Fingerprint, error) {
	if !info.Mode().IsRegular() {
		return Fingerprint{Size: info.Size(), ModTime: info.ModTime().UnixNano()}, nil
	}
	p, err := syscall.UTF16PtrFromString(name)
	if err != nil {
		return Fingerprint{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	const share = syscall.FILE_SHARE_READ | syscall.FILE_SHARE_WRITE | syscall.FILE_SHARE_DELETE
	h, err := syscall.CreateFile(p, 0, share, nil, syscall.OPEN_EXISTING, syscall.FILE_FLAG_OPEN_REPARSE_POINT, 0)
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
		Size:    int64(d.FileSizeHigh)<<32 | int64(d.FileSizeLow),
		ModTime: d.LastWriteTime.Nanoseconds(),
		Dev:     uint64(d.VolumeSerialNumber),
		Inode:   uint64(d.FileIndexHigh)<<32 | uint64(d.FileIndexLow),
	}, nil
}
