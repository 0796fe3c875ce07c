package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// Summary is what one `once` has done.
type Summary struct {
	Delivered int
	Failed    int // could not be sent, or are given up
	Held      int // wait for a person
	Unsettled int // were still changing
	Unread    int // places that could not be read, a whole folder or some of it: what is in them is not known
	Kept      int // are delivered, and could not be archived or deleted
	Closed    int // were not sent because their destination is outside its schedule
	Paused    int // were not sent because a person has stopped their route
	Removed   int // files that have left a mirror, and were removed at a destination
	Halted    int // folders that wait for a person
	Unmarked  int // folders in which no marker can be written, so that nothing is removed
	Bytes     int64
	Seconds   float64
	// Cause is the one reason why nothing could be sent to a destination, where there is one.
	Cause error
	mixed bool // Cause does not explain everything that is left
}

// OneCause tells whether Cause alone kept everything from being delivered.
func (s Summary) OneCause() bool {
	return s.Cause != nil && !s.mixed && s.Delivered+s.Held+s.Unsettled+s.Unread+s.Kept+s.Paused+s.Closed+s.Removed+s.Halted+s.Unmarked == 0
}

// Complete tells whether everything that was there is delivered.
func (s Summary) Complete() bool {
	return s.Failed == 0 && s.Held == 0 && s.Unsettled == 0 && s.Unread == 0 && s.Kept == 0 && s.Paused == 0 && s.Closed == 0 &&
		s.Halted == 0 && s.Unmarked == 0 && s.Cause == nil
}

// Events of `once` alone, besides those of the syncer.
const (
	EventWaiting syncer.EventType = "waiting" // a file that has not settled, and is not waited for any longer
	EventUnread  syncer.EventType = "unread"  // a place that could not be read
	EventPaused  syncer.EventType = "paused"  // a route on which files wait
)

// Once delivers what the folders' first scan finds and what has been planned before, waiting for files that are still
// settling at most twice their time, and returns when no more can be done.
func (a *Agent) Once(ctx context.Context) (Summary, error) {
	started := time.Now()
	a.beginAlerts(ctx)
	defer a.alerts.end()
	var count tally
	a.observer = count.listen(a.observer)
	planned := make(chan struct{})
	var scanErr error
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer keepingTime(ctx, a.limits, func() *config.Config { return a.current().config })()
	var scanning sync.WaitGroup
	scanning.Go(func() {
		defer close(planned)
		if scanErr = a.scanAll(ctx); scanErr != nil {
			cancel()
		}
	})
	err := a.syncer.Once(ctx, planned)
	scanning.Wait()
	if err := errors.Join(err, scanErr); err != nil {
		return Summary{}, err
	}
	s := count.summary()
	s.Seconds = time.Since(started).Seconds()
	if err := a.leftovers(ctx, &s); err != nil {
		return s, err
	}
	a.hooks.drain(ctx)
	look := a.lookout()
	look.scanned = true
	if err := look.look(ctx); err != nil {
		return s, err
	}
	copying, ended := context.WithTimeout(ctx, onceBackup)
	defer ended()
	(&copier{store: a.store, log: a.log}).copy(copying)
	return s, ctx.Err()
}

// scanAll scans every folder and waits for what is settling. A folder that cannot be read does not keep the others
// waiting.
func (a *Agent) scanAll(ctx context.Context) error {
	for _, f := range a.current().folders {
		unread, err := scanFolder(ctx, f.watcher, f.planner)
		if err != nil {
			return fmt.Errorf("folder %s: %w", f.config.Name, err)
		}
		for _, fault := range unread {
			a.tellUnread(f, fault)
		}
	}
	for _, f := range a.current().folders {
		left, unread, err := settleFolder(ctx, f.watcher, f.planner)
		if err != nil {
			return fmt.Errorf("folder %s: %w", f.config.Name, err)
		}
		if unread != nil {
			a.tellUnread(f, unread)
		}
		for _, e := range left {
			a.observe(syncer.Event{
				At: time.Now(), Type: EventWaiting, Folder: f.config.Name, Path: e.Path, Size: e.Fingerprint.Size, Reason: e.Reason,
			})
		}
	}
	return nil
}

func (a *Agent) tellUnread(f *folder, fault error) {
	a.observe(syncer.Event{At: time.Now(), Type: EventUnread, Folder: f.config.Name, Err: fault, Reason: fault.Error()})
}

// leftovers counts what is still open, and finds out whether one cause stopped everything.
func (a *Agent) leftovers(ctx context.Context, s *Summary) error {
	counts, err := a.store.Counts(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	pauses, err := a.store.Pauses(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	halted, err := a.leftOperations(context.WithoutCancel(ctx), s, pauses)
	if err != nil {
		return err
	}
	for _, p := range pauses {
		if p.Phase == state.Planned && a.watches(p.Folder) {
			a.tellPaused(p.Route, 1, p)
		}
	}
	closed := closedLinks(a.syncer.Status())
	for _, c := range counts {
		if !a.watches(c.Folder) {
			continue
		}
		s.Failed += c.Parked
		s.Held += c.Held
		if n := c.Planned + c.Committing; n > 0 {
			alone := min(pausedAlone(pauses, c.Route), n)
			if p, paused := pauseOf(pauses, c.Route); paused {
				s.Paused += n
				a.tellPaused(c.Route, n, p)
			} else if closed[c.Destination] {
				s.Closed += n
			} else if !halted[c.Folder] {
				s.Paused, s.Failed = s.Paused+alone, s.Failed+n-alone
			}
		}
	}
	for _, f := range a.current().folders {
		s.Failed += f.planner.Deferred()
		ended, err := a.store.Ended(context.WithoutCancel(ctx), f.config.Name, 0)
		if err != nil {
			return err
		}
		s.Kept += len(ended)
	}
	s.mixed, s.Cause = oneCause(a.syncer.Status(), counts)
	return nil
}

// oneCause returns why destinations could not be used, nil where all could, and whether that alone does not explain what
// is left: something is left for a destination that could be used, or they failed for different reasons.
func oneCause(links []syncer.LinkStatus, counts []state.Count) (mixed bool, cause error) {
	failed := map[string]error{}
	for _, l := range links {
		if l.State != syncer.LinkFailed {
			continue
		}
		failed[l.Destination] = l.Err
		mixed = mixed || (cause != nil && remote.KindOf(cause) != remote.KindOf(l.Err))
		if cause == nil {
			cause = l.Err
		}
	}
	for _, c := range counts {
		mixed = mixed || (c.Planned+c.Committing+c.Parked > 0 && failed[c.Destination] == nil)
	}
	return mixed, cause
}

func (a *Agent) tellPaused(route state.Route, n int, p state.Pause) {
	a.observe(syncer.Event{
		At: time.Now(), Type: EventPaused, Folder: route.Folder, Destination: route.Destination,
		Reason: fmt.Sprintf("%d not sent: %s is %s", n, viewPause(p).Target(), pausedSince(p)),
	})
}

func (a *Agent) watches(name string) bool {
	return slices.ContainsFunc(a.current().folders, func(f *folder) bool { return f.config.Name == name })
}

// tally counts events as they come.
type tally struct {
	mu  sync.Mutex
	sum Summary
}

func (t *tally) listen(next syncer.Observer) syncer.Observer {
	return func(e syncer.Event) {
		t.count(e)
		if next != nil {
			next(e)
		}
	}
}

func (t *tally) count(e syncer.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case syncer.EventDelivered:
		t.sum.Delivered++
		t.sum.Bytes += e.Size
	case EventWaiting:
		t.sum.Unsettled++
	case EventUnread:
		t.sum.Unread++
	case syncer.EventTrashed, syncer.EventRemoved:
		t.sum.Removed++
	}
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum
}
