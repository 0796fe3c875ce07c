package watcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// openFile opens name in d so that others may read and rename or delete it, but not write: it fails where a writer has it
// open, and keeps writers out until it is closed. A link is opened itself, and so found not to be a file.
func (d *dir) openFile(name string) (*os.File, error) {
	path := filepath.Join(d.path, name)
	p, err := windows.UTF16PtrFromString(extendedPath(path))
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := windows.CreateFile(p, windows.GENERIC_READ, windows.FILE_SHARE_READ|windows.FILE_SHARE_DELETE, nil,
		windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT|windows.FILE_FLAG_SEQUENTIAL_SCAN, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// longFrom is the length from which a directory's path needs the extended form: MAX_PATH less a short name.
const longFrom = 248

// systemPath returns the form of a path that other packages can give to the system at any length.
func systemPath(path string) string {
	if len(path) < longFrom {
		return path
	}
	return extendedPath(path)
}

// isBusy tells whether open failed because of a writer.
func isBusy(err error) bool {
	return errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_LOCK_VIOLATION)
}

// probeWriters has nothing left to do: an open handle keeps writers out.
func probeWriters(*os.File) writers { return writersNone }
