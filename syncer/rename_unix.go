//go:build unix

package syncer

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// linkAndUnlink renames without replacing where the file system has no such rename: the link fails on a taken name. Where
// it has no links either, all that is left is to look first.
func linkAndUnlink(from, to string) error {
	err := os.Link(from, to)
	switch {
	case err == nil:
		return os.Remove(from)
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EMLINK):
		return err
	case isMissing(to):
		return os.Rename(from, to)
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: fs.ErrExist}
}

// syncDir makes renames in a directory durable, where its file system offers that.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) { // it can be written to and not read
			return nil
		}
		return err
	}
	defer d.Close() //nolint:errcheck // opened for reading
	if err := d.Sync(); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOTSUP) {
		return err
	}
	return nil
}
