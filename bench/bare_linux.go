package main

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// bareScan reads all directories below root and takes a stat of each name in them: the least that anybody can do who wants to
// know what is there.
func bareScan(root string) (scanned, error) {
	fd, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return scanned{}, fmt.Errorf("open %s: %w", root, err)
	}
	b := bare{buffer: make([]byte, 64<<10)}
	err = b.through(fd)
	return b.found, err
}

type bare struct {
	found  scanned
	buffer []byte // of a directory's entries
}

// through looks through a directory, and closes it.
func (b *bare) through(fd int) (err error) {
	defer func() {
		if closed := unix.Close(fd); err == nil {
			err = closed
		}
	}()
	var names []string
	for {
		n, err := unix.Getdents(fd, b.buffer)
		if err != nil {
			return fmt.Errorf("getdents: %w", err)
		}
		if n == 0 {
			break
		}
		_, _, names = unix.ParseDirent(b.buffer[:n], -1, names)
	}
	var st unix.Stat_t
	for _, name := range names {
		if err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return fmt.Errorf("fstatat %s: %w", name, err)
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			b.found.Files++
			continue
		}
		b.found.Dirs++
		sub, err := unix.Openat(fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("openat %s: %w", name, err)
		}
		if err := b.through(sub); err != nil {
			return err
		}
	}
	return nil
}
