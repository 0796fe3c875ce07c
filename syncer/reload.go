package syncer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dropferry/dropferry/state"
)

// common is what all links share of the configuration. A reload replaces it as a whole, so that nobody sees half of each.
type common struct {
	folders map[string]*Folder
	all     []*Folder
	ordered []*Folder                // of them, those in which not just the order of planning decides
	gone    func(folder string) bool // see Options.Gone; may be nil
	slots   *slots
	grace   time.Duration
}

// commonOf returns what links share, with the slots of before where there are as many: who holds one gives it back there.
func commonOf(o *Options, before *common) *common {
	c := &common{folders: make(map[string]*Folder, len(o.Folders)), all: o.Folders, gone: o.Gone, grace: o.Grace}
	for _, f := range o.Folders {
		c.folders[f.Name] = f
		if !f.Order.free() {
			c.ordered = append(c.ordered, f)
		}
	}
	n := o.MaxTransfers
	if n == 0 {
		n = mostTransfers
	}
	if before != nil && before.slots.most == n {
		c.slots = before.slots
	} else {
		c.slots = newSlots(n)
	}
	return c
}

// retry is how patient the link is with its destination.
func (l *link) retry() Retry { return linkRetry(l.name, l.common().all) }

// linkRetry is the most patient of the folders that use a destination.
func linkRetry(destination string, folders []*Folder) Retry {
	retry := Retry{Initial: time.Second, Max: 5 * time.Minute}
	found := false
	for _, f := range folders {
		if _, ok := f.route(destination); ok && (!found || f.Retry.Max > retry.Max) {
			retry, found = f.Retry, true
		}
	}
	return retry
}

// hasRoute tells whether the configuration sends the intent's folder to its destination.
func (l *link) hasRoute(i *state.Intent) bool {
	f, ok := l.common().folders[i.Folder]
	if ok {
		_, ok = f.route(i.Destination)
	}
	return ok
}

// running is the links at work. Links may join and leave.
type running struct {
	ctx    context.Context //nolint:containedctx // that of Run, for links that join later
	cancel context.CancelFunc
	links  sync.WaitGroup

	mu     sync.Mutex
	closed bool // nobody may join any more
	errs   []error
}

// start lets a link work. It does nothing once all are to end.
func (r *running) start(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	ctx, stop := context.WithCancel(r.ctx)
	done := make(chan struct{})
	l.stop = func() { stop(); <-done }
	r.links.Go(func() {
		defer close(done)
		defer stop()
		if err := l.run(ctx); err != nil { // the store failed: nothing can go on
			r.mu.Lock()
			r.errs = append(r.errs, err)
			r.mu.Unlock()
			r.cancel()
		}
	})
}

// wait waits until all links have ended.
func (r *running) wait() error {
	if r.ctx.Err() != nil {
		r.close()
	}
	r.links.Wait()
	r.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.errs...)
}

func (r *running) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
}

// Stop ends the links of destinations in the usual way: what is under way gets the grace, and keeps its checkpoint. It
// returns when they have ended. They stay as they are until Replace.
func (s *Syncer) Stop(destinations []string) {
	var stopping sync.WaitGroup
	for _, name := range destinations {
		if l := s.link(name); l != nil && l.stop != nil {
			stopping.Go(l.stop)
		}
	}
	stopping.Wait()
}

// finishWithin bounds what is done for a destination that is given up.
const finishWithin = 20 * time.Second

// Finish uses the settings of links that were stopped for the last time: what may be published already is brought to its
// end, and temps that nobody needs any more are removed. What cannot be reached now stays in the store.
func (s *Syncer) Finish(ctx context.Context, destinations []string) error {
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	var finishing sync.WaitGroup
	errs := make([]error, len(destinations))
	for i, name := range destinations {
		if l := s.link(name); l != nil {
			finishing.Go(func() { errs[i] = l.finish(ctx) })
		}
	}
	finishing.Wait()
	return errors.Join(errs...)
}

// finish works once more on a link that has ended, only on what is committing. Its error is the store's.
func (l *link) finish(ctx context.Context) error {
	nothingMore := make(chan struct{})
	close(nothingMore)
	l.once, l.last, l.planned = true, true, nothingMore
	due, err := l.due(ctx, l.now(), 1, l.skip)
	if err == nil && len(due) == 0 {
		var sweeps []state.Sweep
		if sweeps, err = l.store.Sweeps(ctx, l.name, 1); err == nil && len(sweeps) == 0 {
			return nil
		}
	}
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	session, familiar, err := l.connect(ctx)
	if err != nil {
		l.observe(Event{At: l.now(), Type: EventLost, Destination: l.name, Err: err, Reason: err.Error()})
		return nil
	}
	l.work(ctx, session, familiar)
	session.Close()
	return nil
}

// Replacement is what a syncer works with from now on.
type Replacement struct {
	Folders      []*Folder // those that are the same as before keep their planners
	Destinations []Destination
	Fresh        map[string]bool // destinations that get new links: those that were stopped, and new ones
	Gone         func(folder string) bool
	MaxTransfers int
	Grace        time.Duration
}

// Replace puts a new configuration in the place of the old one, at once for all. Links that are to be replaced, or whose
// destinations are gone, have been stopped. The others go on, and heed the new rules of their folders with the next file.
func (s *Syncer) Replace(r Replacement) {
	o := Options{Folders: r.Folders, Gone: r.Gone, MaxTransfers: r.MaxTransfers, Grace: r.Grace}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.common.Store(commonOf(&o, s.common.Load()))
	planners := make(map[string]*Planner, len(r.Folders))
	for _, f := range r.Folders {
		if p := s.planners[f.Name]; p != nil && p.folder == f {
			planners[f.Name] = p
		} else {
			planners[f.Name] = s.newPlanner(f)
		}
	}
	links := make(map[string]*link, len(r.Destinations))
	for _, d := range r.Destinations {
		if l := s.links[d.Name]; l != nil && !r.Fresh[d.Name] {
			links[d.Name] = l
			l.poke() // for what has left its queue
			continue
		}
		l := s.newLink(d)
		links[d.Name] = l
		if s.running != nil {
			s.running.start(l)
		}
	}
	s.planners, s.links = planners, links
}

// Dropped tells of intents that were taken back because their routes have left the configuration.
func (s *Syncer) Dropped(ctx context.Context, intents []state.Intent) {
	for i := range intents {
		why := errNoRoute
		if _, ok := s.common.Load().folders[intents[i].Folder]; !ok {
			why = errNoFolder
		}
		e := eventOf(EventDropped, &intents[i])
		e.At, e.Err, e.Reason = s.options.Now(), why, why.Error()
		s.options.Observe(e)
		s.released(ctx, intents[i].ID)
		s.poke(intents[i].Destination)
	}
}
