package state

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// damage is something wrong with the file that SQLite itself does not call an error.
type damage struct{ error }

// copySuffix, followed by the time, ends the name of a copy of a damaged store.
const copySuffix = ".corrupt-"

// examine returns an error where the database at name is damaged, not ours, or newer than schema. For the damage it reads through
// all of it, about a second for four million rows, if it is to.
func examine(name string, schema int, whole bool) error {
	c, err := connect(name, readOnly, readerSettings)
	if err != nil {
		return err
	}
	err = recognise(c, name, schema)
	if err == nil && whole {
		err = c.each(func(r row) error {
			if found := r.text(0); found != "ok" {
				return damage{errors.New(found)}
			}
			return nil
		}, "PRAGMA quick_check(1)")
	}
	return errors.Join(err, c.close())
}

// recognise tells whether the database is a store of ours, of a schema that this program knows.
func recognise(c *conn, name string, schema int) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if info.Size() == 0 {
		return damage{errors.New("it is empty")}
	}
	r, _, err := c.one("PRAGMA application_id")
	if err != nil {
		return err
	}
	if r.int(0) != applicationID {
		return fmt.Errorf("%s is a database of another program", name)
	}
	have, err := schemaVersion(c)
	if err != nil {
		return err
	}
	if have > schema {
		return &NewerError{File: name, Have: have, Want: schema}
	}
	return nil
}

// opening gives an error of Open the words that a person can act on, and sets a copy of a damaged store aside. No
// connection may be open: to close another descriptor of the file would take away SQLite's locks on it.
func (s *Store) opening(err error) error {
	err = s.fault("open "+s.file, err)
	var corrupt *CorruptError
	if !errors.As(err, &corrupt) {
		return err
	}
	kept, copyErr := setAside(s.file, time.Now())
	if copyErr != nil {
		copyErr = fmt.Errorf("no copy could be made: %w", copyErr)
	}
	return &CorruptError{File: s.file, KeptAs: kept, Err: errors.Join(corrupt.Err, copyErr)}
}

// setAside copies the database and its log beside it, and returns the copy's name; "" where there is nothing to copy.
// A service that is started again and again must not fill the disk with copies of the same file, so one that is there
// already will do.
func setAside(name string, now time.Time) (string, error) {
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if e, err := earlierCopy(name, info); e != "" || err != nil {
		return e, err
	}
	kept := name + copySuffix + now.UTC().Format("20060102T150405Z")
	if err := copyFile(name+"-wal", kept+"-wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := copyFile(name, kept); err != nil {
		return "", err
	}
	return kept, nil
}

// earlierCopy returns the name of a copy of the same size and time; "" where there is none.
func earlierCopy(name string, of os.FileInfo) (string, error) {
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), filepath.Base(name)+copySuffix) || strings.HasSuffix(e.Name(), "-wal") {
			continue
		}
		if info, err := e.Info(); err == nil && info.Size() == of.Size() && info.ModTime().Equal(of.ModTime()) {
			return filepath.Join(filepath.Dir(name), e.Name()), nil
		}
	}
	return "", nil
}

// copyFile copies from to a new file, with its time. What could not be copied whole is removed.
func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := createPrivate(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err = errors.Join(err, dst.Sync(), dst.Close()); err == nil {
		err = os.Chtimes(to, time.Time{}, info.ModTime())
	}
	if err != nil {
		err = errors.Join(err, os.Remove(to))
	}
	return err
}
