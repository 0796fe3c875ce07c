package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// createPrivate creates a file that must not exist, for its owner only.
func createPrivate(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := ownAsDirectory(f); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	return f, nil
}

// makePrivate makes a directory for its owner only, where there is none.
func makePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(ownAsDirectory(d), d.Close())
}

// publish renames a finished file to its name and makes the name durable.
func publish(partial, name string) error {
	if err := os.Rename(partial, name); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(name))
}

// restrict takes a file away from everybody but its owner, where others may read it. On Windows it does nothing: files
// inherit their access from the directory.
func restrict(name string) error {
	info, err := os.Stat(name)
	if err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(name, 0o600)
}
