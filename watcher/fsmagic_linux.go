package watcher

import "golang.org/x/sys/unix"

// Magic numbers of file systems that x/sys does not name; see their sources in the kernel, or their vendors'.
const (
	magicLustre = 0x0bd00bd0
	magicGPFS   = 0x47504653
	magicGFS2   = 0x01161970
	magicBeeGFS = 0x19830326
	magicOrange = 0x20030528 // OrangeFS
	magicVMHGFS = 0xbacbacbc // shared folders of VMware,
	magicVBoxSF = 0x786f4256 // of VirtualBox
	magicPrlFS  = 0x7c7c6673 // and of Parallels
)

// fileSystem tells what kind of file system d lies on.
func (d *dir) fileSystem() fileSystem { return fileSystemOf(uintptr(d.fd)) }

func fileSystemOf(fd uintptr) fileSystem {
	var st unix.Statfs_t
	if _, err := retry(func() (int, error) { return 0, unix.Fstatfs(int(fd), &st) }); err != nil {
		return localFS // what cannot be told is taken for the common case
	}
	return kindOfMagic(uint32(st.Type))
}

func kindOfMagic(magic uint32) fileSystem {
	switch magic {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.NCP_SUPER_MAGIC,
		unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC, unix.CODA_SUPER_MAGIC, unix.CEPH_SUPER_MAGIC, unix.OCFS2_SUPER_MAGIC, unix.V9FS_MAGIC,
		magicLustre, magicGPFS, magicGFS2, magicBeeGFS, magicOrange, magicVMHGFS, magicVBoxSF, magicPrlFS:
		return networkFS
	case unix.FUSE_SUPER_MAGIC:
		return userFS
	default:
		return localFS
	}
}
