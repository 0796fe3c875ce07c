package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Shared is a store that several processes use at once, each for intents of its own: SQLite sees to their transactions.
// What a Store remembers of its intents between writes is only true of them in the process that has planned them, so each
// intent needs an owner: see Hold.
type Shared struct {
	*Store
}

const (
	// openingTakes is longer than anybody needs to open or close a store. Who holds it longer is an agent.
	openingTakes = 10 * time.Second
	openingLook  = 10 * time.Millisecond
)

// OpenShared opens the store in dir beside other processes that use OpenShared, and creates both where they do not exist.
// ErrLocked says that an agent has it. Opening and closing are done by one process at a time, so that nobody finds a
// store half made, or a log that is just moved into its database.
func OpenShared(ctx context.Context, dir string) (*Shared, error) {
	dir, err := filepath.Abs(dir)
	if err == nil {
		err = makeDirectory(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	lock, err := awaitLock(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, file: databaseIn(dir), lock: lock}
	if err := s.start(ctx, schema); err != nil {
		return nil, errors.Join(s.opening(err), lock.Close())
	}
	if err := unlock(lock); err != nil {
		return nil, errors.Join(fmt.Errorf("state: unlock %s: %w", dir, err), s.Close())
	}
	return &Shared{s}, nil
}

// Close closes the store.
func (s *Shared) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), openingTakes)
	defer cancel()
	lock, err := awaitLock(ctx, s.dir)
	if err != nil { // SQLite copes without, as it does with a process that is killed
		return s.Store.Close()
	}
	return errors.Join(s.Store.Close(), lock.Close())
}

// awaitLock takes the directory's lock as soon as nobody else opens or closes its store.
func awaitLock(ctx context.Context, dir string) (*os.File, error) {
	deadline := time.Now().Add(openingTakes)
	look := time.NewTicker(openingLook) // the operating system tells nobody that a lock is free without taking a thread
	defer look.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		lock, err := lockDirectory(dir)
		if !errors.Is(err, ErrLocked) || time.Now().After(deadline) {
			return lock, err
		}
		select {
		case <-ctx.Done():
		case <-look.C:
		}
	}
}
