package state

import (
	"errors"
	"os"
	"path/filepath"
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

// publish renames a finished file to its name and makes the name durable.
func publish(partial, name string) error {
	if err := os.Rename(partial, name); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(name))
}
