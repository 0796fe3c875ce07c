package sftptest

import (
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/pkg/sftp"
)

// Filelist answers directory listings and stat.
func (v *view) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	switch r.Method {
	case "List":
		return v.list(r.Filepath)
	case "Stat":
		return v.stat(OpStat, r.Filepath, v.root.Stat)
	}
	return nil, Unsupported
}

// Lstat answers stat without following a link.
func (v *view) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	return v.stat(OpLstat, r.Filepath, v.root.Lstat)
}

func (v *view) stat(op, name string, look func(string) (fs.FileInfo, error)) (infos infoList, err error) {
	err = v.do(op, name, "", func(meeting) error {
		info, err := look(v.local(name))
		if err != nil {
			return err
		}
		if v.faults.unstatable(name) {
			return PermissionDenied
		}
		infos = infoList{info}
		return nil
	})
	return infos, err
}

func (v *view) list(name string) (infos infoList, err error) {
	err = v.do(OpList, name, "", func(meeting) error {
		dir, err := v.root.Open(v.local(name))
		if err != nil {
			return err
		}
		entries, err := dir.ReadDir(-1)
		if err := errors.Join(err, dir.Close()); err != nil {
			return err
		}
		for _, e := range entries {
			info, err := v.root.Lstat(filepath.Join(v.local(name), e.Name()))
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed since the directory was read
			}
			if err != nil {
				return err
			}
			infos = append(infos, info)
		}
		return nil
	})
	return infos, err
}

// infoList is what pkg/sftp reads listings from.
type infoList []fs.FileInfo

// ListAt copies entries from offset on.
func (l infoList) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[offset:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
