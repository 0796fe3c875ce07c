//go:build unix

package state

import "golang.org/x/sys/unix"

// freeIn returns how many bytes an account without privileges can still write to the file system of dir.
func freeIn(dir string) (int64, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return 0, err
	}
	return int64(fs.Bavail) * int64(fs.Bsize), nil
}
