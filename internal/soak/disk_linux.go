package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// disk is a small file system of its own for the server, which can be filled.
type disk struct {
	dir string
}

// errNoDisk says why there is none.
var errNoDisk = errors.New("only root mounts a disk of its own: the server's is never full")

// diskSize has room for the largest files, several at once, and for what the partner has not taken yet.
const diskSize = "2g"

// mountDisk mounts one. The error is errNoDisk where this account may not.
func mountDisk(dir string) (*disk, error) {
	err := unix.Mount("dropferry-soak", dir, "tmpfs", 0, "mode=0700,size="+diskSize)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, errNoDisk
	}
	if err != nil {
		return nil, fmt.Errorf("mount a small disk at %s: %w", dir, err)
	}
	return &disk{dir}, nil
}

func (d *disk) unmount() error { return unix.Unmount(d.dir, unix.MNT_DETACH) }

// fill gives all free room to the ballast.
func (d *disk) fill() error {
	f, err := os.OpenFile(filepath.Join(d.dir, "ballast"), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // nothing is written
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	for range 20 { // others take room meanwhile
		var s unix.Statfs_t
		if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
			return err
		}
		free := int64(s.Bavail) * s.Bsize
		if free == 0 {
			return nil
		}
		switch err := unix.Fallocate(int(f.Fd()), 0, size, free); {
		case err == nil:
			size += free
		case !errors.Is(err, unix.ENOSPC):
			return fmt.Errorf("fill the disk: %w", err)
		}
	}
	return nil
}

// free removes the ballast.
func (d *disk) free() error { return os.Remove(filepath.Join(d.dir, "ballast")) }
