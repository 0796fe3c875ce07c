package sftptest

import (
	"syscall"

	"github.com/pkg/sftp"
)

func statVFS(dir string) (*sftp.StatVFS, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return nil, err
	}
	return &sftp.StatVFS{
		Bsize: uint64(s.Bsize), Frsize: uint64(s.Frsize), Blocks: s.Blocks, Bfree: s.Bfree, Bavail: s.Bavail,
		Files: s.Files, Ffree: s.Ffree, Favail: s.Ffree, Namemax: uint64(s.Namelen),
	}, nil
}
