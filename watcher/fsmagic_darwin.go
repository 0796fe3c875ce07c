package watcher

import "golang.org/x/sys/unix"

// fileSystem tells what kind of file system d lies on.
func (d *dir) fileSystem() fileSystem {
	var st unix.Statfs_t
	if err := unix.Statfs(d.path, &st); err != nil {
		return localFS // what cannot be told is taken for the common case
	}
	if st.Flags&unix.MNT_LOCAL == 0 {
		return networkFS
	}
	return localFS
}
