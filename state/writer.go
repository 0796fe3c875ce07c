package state

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	sqlite3 "modernc.org/sqlite/lib"
)

// writer owns the one connection that changes the store. Its goroutine takes all writes that wait at one moment into
// one transaction: the flush to disk, which is the cost of a small write, is shared.
type writer struct {
	conn    *conn
	commits atomic.Int64 // made so far
	stopped chan struct{}

	mu      sync.Mutex
	waiting []*write
	closed  bool
	wake    chan struct{} // holds a token while there may be somebody waiting; closed by drain
}

// write is one caller's share of a transaction.
type write struct {
	do    func(*conn) error
	fate  atomic.Int32
	ended chan error // holds one
}

// The fates of a write, of which the writer and its caller's context may each choose one first.
const (
	waits int32 = iota
	taken
	abandoned
)

func startWriter(c *conn) *writer {
	w := &writer{conn: c, stopped: make(chan struct{}), wake: make(chan struct{}, 1)}
	go w.run()
	return w
}

// submit runs do in a transaction and returns when that is durable, or has failed. It returns ctx.Err() only where do
// has not been run and never will be.
func (w *writer) submit(ctx context.Context, do func(*conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	one := &write{do: do, ended: make(chan error, 1)}
	if !w.enqueue(one) {
		return ErrClosed
	}
	select {
	case err := <-one.ended:
		return err
	case <-ctx.Done():
		if one.fate.CompareAndSwap(waits, abandoned) {
			return ctx.Err()
		}
		return <-one.ended
	}
}

// Turn waits for its turn among the writes, and writes nothing: it shows that the store gets on.
func (s *Store) Turn(ctx context.Context) error {
	return s.write(ctx, "wait for a turn", func(*conn) error { return nil })
}

func (w *writer) enqueue(one *write) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.waiting = append(w.waiting, one)
	select {
	case w.wake <- struct{}{}:
	default: // the token is there
	}
	return true
}

// drain refuses further writes and returns when those that wait are done.
func (w *writer) drain() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.wake)
	}
	w.mu.Unlock()
	<-w.stopped
}

func (w *writer) run() {
	defer close(w.stopped)
	for range w.wake {
		for batch := w.take(); len(batch) > 0; batch = w.take() {
			w.commit(batch)
		}
	}
}

// take returns all writes that wait and have not been given up.
func (w *writer) take() []*write {
	runtime.Gosched() // those whom the last commit has woken may have more to write already
	w.mu.Lock()
	all := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	batch := all[:0]
	for _, one := range all {
		if one.fate.CompareAndSwap(waits, taken) {
			batch = append(batch, one)
		}
	}
	return batch
}

// commit runs the batch in one transaction. If that fails, each is run in one of its own, so that only the faulty one
// fails.
func (w *writer) commit(batch []*write) {
	err := w.transact(batch)
	if err == nil || len(batch) == 1 {
		for _, one := range batch {
			one.ended <- err
		}
		return
	}
	for i := range batch {
		batch[i].ended <- w.transact(batch[i : i+1])
	}
}

func (w *writer) transact(batch []*write) error {
	if err := w.begin(); err != nil {
		return err
	}
	for _, one := range batch {
		if err := one.do(w.conn); err != nil {
			w.rollback()
			return err
		}
	}
	if _, err := w.conn.exec("COMMIT"); err != nil {
		w.rollback()
		return err
	}
	w.commits.Add(1)
	return nil
}

// begin takes SQLite's write lock at once, so that a transaction never fails half-way for want of it. Where a failed
// rollback has left a transaction open, that is ended first.
func (w *writer) begin() error {
	_, err := w.conn.exec("BEGIN IMMEDIATE")
	if resultCode(err) == sqlite3.SQLITE_ERROR {
		w.rollback()
		_, err = w.conn.exec("BEGIN IMMEDIATE")
	}
	return err
}

// rollback fails where SQLite has rolled back by itself, as it does on a full disk, and that is all right.
func (w *writer) rollback() { _, _ = w.conn.exec("ROLLBACK") }
