package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Open opens the store in dir for an agent, and creates both where they do not exist. It holds the directory against
// other agents until Close: ErrLocked says that another one has it. A store of an older schema is copied and brought
// up to date, which the end of ctx interrupts. A damaged one is a CorruptError, one of a newer program a NewerError, and neither
// is touched.
func Open(ctx context.Context, dir string) (*Store, error) { return open(ctx, dir, schema) }

func open(ctx context.Context, dir string, schema []migration) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = makeDirectory(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, file: databaseIn(dir), lock: lock}
	if err := s.start(ctx, schema); err != nil {
		return nil, errors.Join(s.opening(err), lock.Close())
	}
	return s, nil
}

// start looks before it writes: as long as something may be wrong with the store, it is only opened for reading. The
// last connection that may write moves the log into the database when it closes.
func (s *Store) start(ctx context.Context, schema []migration) error {
	if err := s.ensure(ctx, schema); err != nil {
		return err
	}
	now := time.Now()
	s.examined = takeSoundness(s.file, now)
	if err := examine(s.file, len(schema), s.examined.IsZero()); err != nil {
		return err
	}
	if s.examined.IsZero() {
		s.examined = now
	}
	c, err := connect(s.file, readWrite, writerSettings)
	if err != nil {
		return err
	}
	if err := s.prepare(ctx, c, schema); err != nil {
		return errors.Join(err, c.close())
	}
	s.readers = s.newPool()
	s.writer = startWriter(c)
	return nil
}

func (s *Store) prepare(ctx context.Context, c *conn, schema []migration) error {
	if err := restrict(s.file); err != nil {
		return err
	}
	if err := migrate(ctx, c, s.file, schema); err != nil {
		return err
	}
	if err := forgetSpellings(c); err != nil {
		return err
	}
	r, _, err := c.one("SELECT max(seq) FROM intents")
	if err != nil {
		return err
	}
	s.inherited = r.int(0)
	return nil
}

func (s *Store) newPool() *pool {
	return newPool(func() (*conn, error) { return connect(s.file, readOnly, readerSettings) })
}

// ensure creates the database where there is none. It appears under its name whole, so that one that is empty later is
// known to be damaged, and is not taken for a new one to which nothing has been delivered yet.
func (s *Store) ensure(ctx context.Context, schema []migration) error {
	_, err := os.Stat(s.file)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if info, err := os.Stat(s.file + "-wal"); err == nil && info.Size() > 0 {
		return damage{fmt.Errorf("it is gone and its log %s-wal is not", s.file)}
	}
	fresh := s.file + ".new"
	for _, leftover := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(fresh + leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	f, err := createPrivate(fresh)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	c, err := connect(fresh, readWrite, writerSettings)
	if err != nil {
		return err
	}
	if err := errors.Join(migrate(ctx, c, fresh, schema), c.close()); err != nil {
		return err
	}
	return publish(fresh, s.file)
}

// OpenReader opens the store in dir for reading, while an agent may be writing to it. It takes no lock and changes
// nothing; where there is no store it creates nothing and returns ErrNoStore.
func OpenReader(ctx context.Context, dir string) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	s := &Store{dir: dir, file: databaseIn(dir)}
	if _, err := os.Stat(s.file); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w in %s", ErrNoStore, dir)
		}
		return nil, fmt.Errorf("state: %w", err)
	}
	s.readers = s.newPool()
	if err := s.recognise(); err != nil {
		return nil, errors.Join(s.fault("open "+s.file, err), s.readers.close())
	}
	return s, nil
}

func (s *Store) recognise() error {
	c, err := s.readers.acquire()
	if err != nil {
		return err
	}
	err = recognise(c, s.file, len(schema))
	if err == nil {
		var have int
		if have, err = schemaVersion(c); err == nil && have < len(schema) {
			err = fmt.Errorf("its schema %d is older than this program's %d: it is brought up to date when an agent starts", have, len(schema))
		}
	}
	return errors.Join(err, s.readers.release(c, err == nil))
}
