package state

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Errors of Open and OpenReader, for errors.Is.
var (
	ErrLocked  = errors.New("another agent holds the state directory")
	ErrNoStore = errors.New("there is no store yet")
)

// CorruptError tells that the store is damaged. Nothing has been recreated over it and nothing deleted.
type CorruptError struct {
	File   string // the database
	KeptAs string // a copy set aside beside it, its log under the same name with "-wal"; "" where there is none
	Err    error  // what was found
}

func (e *CorruptError) Error() string {
	kept := ""
	if e.KeptAs != "" {
		kept = ", a copy is " + e.KeptAs
	}
	return fmt.Sprintf("state: %s is damaged: %v; it was left as it is%s. Restore a copy of it from the directory backups, or move it and %s-wal "+
		"away to start anew: then everything in a folder that keeps its files is sent again, unless it is recognised "+
		"at the server", e.File, e.Err, kept, e.File)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// NewerError tells that a newer dropferry wrote the store. It has not been touched.
type NewerError struct {
	File string
	Have int // the store's schema
	Want int // the newest schema that this program knows
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("state: %s has schema %d and this program knows none beyond %d: run the newer dropferry that wrote "+
		"it. Or, with no agent running, move all of %s* into another directory and copy what is %s.before-v... there back to its name: "+
		"the copy knows nothing of what was sent since", e.File, e.Have, e.Want, e.File, filepath.Base(e.File))
}

// resultCode returns SQLite's primary result code in err, or 0. See https://www.sqlite.org/rescode.html.
func resultCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

// damaged tells whether err says that the file is not a whole database.
func damaged(err error) bool {
	if _, ok := errors.AsType[damage](err); ok {
		return true
	}
	code := resultCode(err)
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// RoomError tells that the disk under the store is full, or nearly so. Nothing was lost, and nothing is recorded until
// there is room.
type RoomError struct {
	Dir  string // the state directory
	Free int64  // bytes that are left to this account there; below 0 where that is not known
	Err  error  // what could not be written; nil where nobody has tried
}

func (e *RoomError) Error() string {
	text := "no room in state_dir " + e.Dir
	if e.Free >= 0 {
		text += fmt.Sprintf(": %d bytes free", e.Free)
	}
	text += "; deliveries wait until there is room"
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *RoomError) Unwrap() error { return e.Err }

// diskFull tells whether err comes of a full disk. The index of the log reports that as an error of its own.
func diskFull(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqlite3.SQLITE_FULL || e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE
	}
	return errors.Is(err, syscall.ENOSPC)
}

// fault gives an error the words that a person can act on; op is what was to be done.
func (s *Store) fault(op string, err error) error {
	var newer *NewerError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &newer):
		return newer
	case damaged(err):
		return &CorruptError{File: s.file, Err: fmt.Errorf("%s: %w", op, err)}
	case diskFull(err):
		return s.noRoom(fmt.Errorf("%s: %w", op, err))
	default:
		return fmt.Errorf("state: %s: %w", op, err)
	}
}
