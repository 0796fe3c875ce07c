// Package state is dropferry's memory: what is at which destination, what is under way, and the ledger of everything
// that was delivered. It is one SQLite file in the state directory, for one agent at a time and any number of readers.
//
// Every write is one atomic transaction and durable when it returns. Writes that are waiting at the same moment share
// one commit, so that thousands of small deliveries do not pay for a disk flush each. Reads see a consistent snapshot
// and never wait for a writer.
//
// An intent's life follows the write-ahead protocol:
//
//	Plan (T1) ─▶ planned ──Commit (T2)─▶ committing ──Deliver (T3)─▶ delivered ──CloseVersion (T4)─▶ gone
//	               │  ▲                      │                  └───── where the source is kept ─────▶ gone
//	          Fail │  │ Release              │ Fail
//	               ▼  │                      │
//	           held, parked ◀────────────────┘       Drop, Adopt, Unchanged and a newer plan end it earlier
//
// Cancel turns what is planned, held or parked into cancelled, which stays as long as that version is in the folder.
package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	dir  string
	file string

	readers  *pool
	writer   *writer  // nil where the store was opened for reading
	lock     *os.File // nil where the store was opened for reading
	attempts attempts
	renamed  renamed
	folds    folds

	// inherited is the last intent that an earlier process planned. What it did for such an intent is not known, so
	// there may be a temp even where no attempt is on record.
	inherited int64

	examined time.Time // when the whole database was read last; of a store that writes

	closing  sync.Once
	closeErr error
}

// Errors of a store that is used after Close, or for writing where it was opened with OpenReader.
var (
	ErrClosed   = errors.New("the store is closed")
	ErrReadOnly = errors.New("the store was opened for reading only")
)

// Close waits for the writes under way, and lets go of the file and of the directory's lock. Reads that are still
// under way keep their connection until they end.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.flushAttempts())
		s.writer.drain()
	}
	errs = append(errs, s.readers.close())
	if s.writer != nil {
		// The last connection moves the log into the database, so the writer's goes last.
		errs = append(errs, s.writer.conn.close())
		if errors.Join(errs...) == nil {
			leaveSoundness(s.file, s.examined)
		}
		errs = append(errs, s.lock.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("state: close %s: %w", s.file, err)
	}
	return nil
}

// write runs do in a transaction. It may be run more than once, so it sets its results anew each time. The error is
// told with op, what was to be done.
func (s *Store) write(ctx context.Context, op string, do func(*conn) error) error {
	if s.writer == nil {
		return s.fault(op, ErrReadOnly)
	}
	return s.fault(op, s.writer.submit(ctx, do))
}

// read runs do, which is over soon, on one snapshot of the store. do must not read by itself.
func (s *Store) read(ctx context.Context, op string, do func(*conn) error) error {
	select {
	case s.readers.brief <- struct{}{}:
		defer func() { <-s.readers.brief }()
		return s.readAlong(ctx, op, do)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readAlong is a read that may take as long as it likes, and during which its caller may read other things.
func (s *Store) readAlong(ctx context.Context, op string, do func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.readers.acquire()
	if err != nil {
		return s.fault(op, err)
	}
	err = snapshot(c, do)
	return s.fault(op, errors.Join(err, s.readers.release(c, err == nil)))
}

func snapshot(c *conn, do func(*conn) error) error {
	if _, err := c.exec("BEGIN"); err != nil {
		return err
	}
	err := do(c)
	_, ended := c.exec("COMMIT")
	return errors.Join(err, ended)
}

func databaseIn(dir string) string { return filepath.Join(dir, "dropferry.db") }
