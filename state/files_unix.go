//go:build unix

package state

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// ownAsDirectory gives a file that root creates to the owner of its directory: a command that an administrator runs
// must not leave files that the service cannot open. SQLite does the same for its log.
func ownAsDirectory(f *os.File) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return f.Chown(int(st.Uid), int(st.Gid))
}

// makeDirectory makes the state directory for its owner only, where there is none.
func makeDirectory(dir string) error { return os.MkdirAll(dir, 0o700) }

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
