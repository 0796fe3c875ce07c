package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dropferry/dropferry/syncer"
)

// Summary is what one `once` has done.
type Summary struct {
	Delivered int
	Failed    int // could not be sent, or are given up
	Held      int // wait for a person
	Unsettled int // were still changing
	Bytes     int64
	Seconds   float64
	// Cause is the one reason why nothing could be sent to a destination, where there is one.
	Cause error
}

// Complete tells whether everything that was there is delivered.
func (s Summary) Complete() bool {
	return s.Failed == 0 && s.Held == 0 && s.Unsettled == 0 && s.Cause == nil
}

// Once delivers what the folders' first scan finds and what has been planned before, waiting for files that are still
// settling at most twice their time, and returns when no more can be done.
func (a *Agent) Once(ctx context.Context) (Summary, error) {
	started := time.Now()
	var count tally
	a.observer = count.listen(a.observer)
	planned := make(chan struct{})
	var scanErr error
	var unsettled int
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var scanning sync.WaitGroup
	scanning.Go(func() {
		defer close(planned)
		if unsettled, scanErr = a.scanAll(ctx); scanErr != nil {
			cancel()
		}
	})
	err := a.syncer.Once(ctx, planned)
	scanning.Wait()
	if err := errors.Join(err, scanErr); err != nil {
		return Summary{}, err
	}
	s := count.summary()
	s.Unsettled, s.Seconds = unsettled, time.Since(started).Seconds()
	if err := a.leftovers(ctx, &s); err != nil {
		return s, err
	}
	return s, ctx.Err()
}

// scanAll scans every folder and waits for what is settling; it returns how many files did not.
func (a *Agent) scanAll(ctx context.Context) (unsettled int, err error) {
	for _, f := range a.folders {
		summary, err := f.watcher.Scan(ctx, f.planner)
		if err != nil {
			return 0, fmt.Errorf("folder %s: %w", f.config.Name, err)
		}
		for _, fault := range summary.Errors {
			a.log.Warn("not everything could be read", "folder", f.config.Name, "error", fault)
		}
	}
	for _, f := range a.folders {
		left, err := f.watcher.Settle(ctx, f.planner, 0)
		if err != nil {
			return 0, fmt.Errorf("folder %s: %w", f.config.Name, err)
		}
		for _, e := range left {
			a.log.Warn("not sent: still "+e.Reason, "folder", f.config.Name, "path", string(e.Path))
		}
		unsettled += len(left)
	}
	return unsettled, nil
}

// leftovers counts what is still open, and finds out whether one cause stopped everything.
func (a *Agent) leftovers(ctx context.Context, s *Summary) error {
	counts, err := a.store.Counts(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	s.Failed, s.Held = 0, 0
	for _, c := range counts {
		if !a.watches(c.Folder) {
			continue
		}
		s.Failed += c.Planned + c.Committing + c.Parked
		s.Held += c.Held
	}
	for _, f := range a.folders {
		s.Failed += f.planner.Deferred()
	}
	for _, l := range a.syncer.Status() {
		if l.State == syncer.LinkFailed && s.Cause == nil {
			s.Cause = l.Err
		}
	}
	return nil
}

func (a *Agent) watches(folder string) bool {
	for _, f := range a.folders {
		if f.config.Name == folder {
			return true
		}
	}
	return false
}

// tally counts events as they come.
type tally struct {
	mu    sync.Mutex
	count int
	bytes int64
}

func (t *tally) listen(next syncer.Observer) syncer.Observer {
	return func(e syncer.Event) {
		if e.Type == syncer.EventDelivered {
			t.mu.Lock()
			t.count++
			t.bytes += e.Size
			t.mu.Unlock()
		}
		if next != nil {
			next(e)
		}
	}
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Summary{Delivered: t.count, Bytes: t.bytes}
}
