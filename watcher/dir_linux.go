package watcher

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/file"
)

// dir is an open directory. Only what it holds itself is reached through it: names are single elements and links are not
// followed, so a descent that starts at the root never leaves it, whatever is moved or replaced meanwhile.
type dir struct {
	fd   int
	path string // for errors
}

// openRoot opens the root of a folder, which may itself be a link to a directory.
func openRoot(root string) (*dir, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: root, Err: err}
	}
	return &dir{fd: fd, path: root}, nil
}

// enter opens the directory name in d. It fails with errNotDir where name is something else, a link among others.
func (d *dir) enter(name string) (*dir, error) {
	fd, err := retry(func() (int, error) {
		return unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	switch {
	case err == nil:
		return &dir{fd: fd, path: d.path + "/" + name}, nil
	case errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		err = errNotDir
	}
	return nil, &fs.PathError{Op: "open", Path: d.path + "/" + name, Err: err}
}

func (d *dir) close() { _ = unix.Close(d.fd) } // nothing was written

// stat describes d itself.
func (d *dir) stat() (stat, error) {
	var st unix.Stat_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstat(d.fd, &st) }); err != nil {
		return stat{}, &fs.PathError{Op: "stat", Path: d.path, Err: err}
	}
	return statOf(&st), nil
}

// lstat describes name in d, without following it.
func (d *dir) lstat(name string) (stat, error) {
	var st unix.Stat_t
	_, err := retry(func() (int, error) { return 0, unix.Fstatat(d.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	if err != nil {
		return stat{}, &fs.PathError{Op: "stat", Path: d.path + "/" + name, Err: err}
	}
	return statOf(&st), nil
}

// readlink returns where the link name in d leads.
func (d *dir) readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := retry(func() (int, error) { return unix.Readlinkat(d.fd, name, buf) })
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: d.path + "/" + name, Err: err}
	}
	return string(buf[:n]), nil
}

func statOf(st *unix.Stat_t) stat {
	return stat{
		Fingerprint: file.Fingerprint{
			Size: st.Size, ModTime: st.Mtim.Nano(), ChangeTime: st.Ctim.Nano(), Dev: uint64(st.Dev), Inode: st.Ino,
		},
		mode: typeBits(st.Mode),
	}
}

func typeBits(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFSOCK:
		return fs.ModeSocket
	default:
		return fs.ModeDevice
	}
}

// open opens the file name in d for reading. Nothing but a regular file is ever opened: what comes in its place at the
// last moment is not followed, not waited for, and closed. Where another program holds a write lease on the file, as
// Samba does for its clients, it fails with EAGAIN: see isBusy.
func (d *dir) open(name string) (*os.File, error) {
	path := d.path + "/" + name
	st, err := d.lstat(name)
	if err != nil {
		return nil, err
	}
	if st.kind() != File {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNotFile}
	}
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC
	fd, err := retry(func() (int, error) { return unix.Openat(d.fd, name, flags, 0) })
	if errors.Is(err, unix.ELOOP) {
		err = errNotFile
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	if err := readyToRead(fd); err != nil {
		_ = unix.Close(fd)
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// readyToRead makes sure of a regular file, and that reads of it wait for data as usual.
func readyToRead(fd int) error {
	var st unix.Stat_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstat(fd, &st) }); err != nil {
		return err
	}
	if typeBits(st.Mode) != 0 {
		return errNotFile
	}
	return unix.SetNonblock(fd, false)
}

// isBusy tells whether open failed because of a writer.
func isBusy(err error) bool { return errors.Is(err, unix.EAGAIN) }

// retry repeats a system call that a signal has interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
