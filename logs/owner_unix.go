//go:build unix

package logs

import (
	"os"
	"path/filepath"
	"syscall"
)

// ownAsDirectory gives what root has made to the owner of the directory that it is in: a command that an administrator runs
// must not leave a log that the service cannot go on with.
func ownAsDirectory(name string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(name))
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return os.Lchown(name, int(st.Uid), int(st.Gid))
}
