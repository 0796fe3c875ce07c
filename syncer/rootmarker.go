package syncer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/file"
)

// A mirror that deletes has a marker in its root: an empty directory with a marker is an empty folder, one without is a
// place where a disk is not mounted.

// markerText is what the marker says to people who find it.
const markerText = "This file was written by dropferry, which keeps copies of this folder on other servers and removes there what\n" +
	"is removed here. Where this file is missing, dropferry takes it that the folder itself is missing, because its disk\n" +
	"is not mounted, say: then it removes nothing, and stops until a person has looked. Leave it where it is. It is not\n" +
	"copied.\n"

// hasMarker tells whether a folder's root holds its marker.
func hasMarker(root string) (bool, error) {
	info, err := os.Lstat(filepath.Join(root, file.Marker))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return info.Mode().IsRegular(), nil
}

// writeMarker makes the marker; one that is there is left as it is.
func writeMarker(root string) error {
	name := filepath.Join(root, file.Marker)
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(markerText)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name)) // it must not be there by half
	}
	return syncDir(root)
}
