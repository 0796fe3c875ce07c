package watcher

import "golang.org/x/sys/unix"

// look returns the identity of d with that of its mount, which statx(2) tells since Linux 5.8. A file system that was
// unmounted and mounted again has the same device and inode, but none of the watches.
func (d *dir) look() (rootLook, error) {
	look, err := d.plainLook()
	if err != nil {
		return look, err
	}
	var st unix.Statx_t
	const want = unix.STATX_MNT_ID | unix.STATX_MNT_ID_UNIQUE
	_, err = retry(func() (int, error) { return 0, unix.Statx(d.fd, "", unix.AT_EMPTY_PATH, want, &st) })
	if err != nil {
		return look, nil // statx is missing before Linux 4.11 and forbidden in some old containers
	}
	if st.Mask&(unix.STATX_MNT_ID|unix.STATX_MNT_ID_UNIQUE) != 0 {
		look.mount = st.Mnt_id
	}
	look.mountPoint = st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	return look, nil
}
