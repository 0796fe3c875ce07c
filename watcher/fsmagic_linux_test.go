package watcher

import (
	"testing"

	"golang.org/x/sys/unix"
)

func TestKindOfMagic(t *testing.T) {
	for magic, want := range map[uint32]fileSystem{
		unix.NFS_SUPER_MAGIC: networkFS, unix.SMB2_SUPER_MAGIC: networkFS, unix.AFS_SUPER_MAGIC: networkFS, // OpenAFS
		0x6b414653:            networkFS, // the kernel's own AFS
		0x20030528:            networkFS, // OrangeFS
		unix.FUSE_SUPER_MAGIC: userFS, unix.EXT4_SUPER_MAGIC: localFS, unix.TMPFS_MAGIC: localFS, 0: localFS,
	} {
		if got := kindOfMagic(magic); got != want {
			t.Errorf("%#x: %v, want %v", magic, got, want)
		}
	}
}
