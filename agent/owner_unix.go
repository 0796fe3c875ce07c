//go:build unix

package agent

import (
	"os"
	"syscall"
)

// giveTo gives a file the owner of the state directory, where that is somebody else and we are root.
func giveTo(stateDir, name string) error {
	info, err := os.Stat(stateDir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || st.Uid == 0 {
		return nil
	}
	return os.Chown(name, int(st.Uid), int(st.Gid))
}
