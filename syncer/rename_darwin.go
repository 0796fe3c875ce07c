package syncer

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// renameNoReplace renames a local file and fails with fs.ErrExist where the new name is taken, in one step.
func renameNoReplace(from, to string) error {
	err := unix.RenamexNp(from, to, unix.RENAME_EXCL)
	if errors.Is(err, unix.ENOTSUP) {
		return linkAndUnlink(from, to)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	return nil
}

func isCrossDevice(err error) bool { return errors.Is(err, unix.EXDEV) }
