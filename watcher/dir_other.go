//go:build !linux

package watcher

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dropferry/dropferry/file"
)

// dir is an open directory. A descent that starts at the root never leaves it: see os.Root.
type dir struct {
	root *os.Root
	path string
}

// openRoot opens the root of a folder, which may itself be a link to a directory.
func openRoot(root string) (*dir, error) {
	r, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	return &dir{root: r, path: root}, nil
}

// enter opens the directory name in d. It fails with errNotDir where name is something else, a link among others.
func (d *dir) enter(name string) (*dir, error) {
	path := filepath.Join(d.path, name)
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: errNotDir}
	}
	r, err := d.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &dir{root: r, path: path}, nil
}

func (d *dir) close() { _ = d.root.Close() } // nothing was written

// stat describes d itself. It comes from the handle, because Windows tells the file index in no other way.
func (d *dir) stat() (stat, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return stat{}, err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	print, err := file.OfHandle(f)
	return stat{Fingerprint: print, mode: fs.ModeDir}, err
}

// lstat describes name in d, without following it.
func (d *dir) lstat(name string) (stat, error) {
	print, mode, err := file.Lstat(systemPath(filepath.Join(d.path, name)))
	return stat{Fingerprint: print, mode: mode.Type()}, err
}

// readlink returns where the link name in d leads.
func (d *dir) readlink(name string) (string, error) { return d.root.Readlink(name) }

// open opens the file name in d for reading, with the platform's means against writers.
func (d *dir) open(name string) (*os.File, error) {
	f, err := d.openFile(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: filepath.Join(d.path, name), Err: errNotFile}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// listing is room for reading directories, used again for each.
type listing struct{ spares }

// listPart is how many names are read at a time.
const listPart = 4096

// list returns what d holds, in no order.
func (d *dir) list(l *listing) ([]dirent, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing can be lost
	var found []os.DirEntry
	for {
		l.stepped()
		part, err := f.ReadDir(listPart)
		found = append(found, part...)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	ents := l.room(len(found))
	for _, e := range found {
		ents = append(ents, dirent{name: e.Name(), kind: stat{mode: e.Type()}.kind()})
	}
	return ents, nil
}
