package file

import (
	"io/fs"
	"os"
	"syscall"
)

// FromInfo returns the fingerprint in what Lstat, Stat or a directory entry's Info has returned.
func FromInfo(info fs.FileInfo) Fingerprint {
	f := Fingerprint{Size: info.Size(), ModTime: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		f.ChangeTime = st.Ctimespec.Nano()
		f.Dev = uint64(uint32(st.Dev))
		f.Inode = st.Ino
	}
	return f
}

func fingerprint(_ string, info fs.FileInfo) (Fingerprint, error) { return FromInfo(info), nil }

func handleFingerprint(_ *os.File, info fs.FileInfo) (Fingerprint, error) { return FromInfo(info), nil }
