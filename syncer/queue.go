package syncer

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/dropferry/dropferry/state"
)

const (
	// queueAhead is how many intents are fetched from the store at once.
	queueAhead = 256
	// fileCost bounds what one file can take of the memory budget: its packets in flight.
	fileCost = 4 << 20
	// memoryBudget bounds the packets in flight of all files of a link, in bytes: small files go up many at a time,
	// large ones few.
	memoryBudget = 32 << 20
)

// awaitWork waits until an intent is due. done says that the link is to end.
func (l *link) awaitWork(ctx context.Context) (done bool, err error) {
	for {
		finished := l.noMoreComes() // asked first, so that what was planned last is not missed
		due, err := l.due(ctx, 1, nil)
		switch {
		case ctx.Err() != nil:
			return true, nil
		case err != nil:
			return true, err
		case len(due) > 0:
			return false, nil
		case l.once && finished:
			return true, nil
		}
		l.setState(LinkIdle, nil, time.Time{})
		next, stop, err := l.nextDue(ctx)
		if err != nil {
			return true, err
		}
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-next:
		case <-l.comesNoMore():
		}
		stop()
	}
}

// noMoreComes tells whether the planner is done.
func (l *link) noMoreComes() bool {
	select {
	case <-l.planned:
		return true
	default:
		return false
	}
}

// comesNoMore is the channel to wait on for the planner's end; nil once that is known.
func (l *link) comesNoMore() <-chan struct{} {
	if l.noMoreComes() {
		return nil
	}
	return l.planned
}

// nextDue returns a channel that fires when the next waiting intent is due.
func (l *link) nextDue(ctx context.Context) (<-chan time.Time, func(), error) {
	if l.once {
		return nil, func() {}, nil
	}
	at, ok, err := l.store.NextDue(ctx, l.name, l.now())
	if err != nil || !ok {
		if ctx.Err() != nil {
			err = nil
		}
		return nil, func() {}, err
	}
	timer := time.NewTimer(max(at.Sub(l.now()), time.Millisecond))
	return timer.C, func() { timer.Stop() }, nil
}

// due returns intents that can be worked on now, without those that are busy.
func (l *link) due(ctx context.Context, limit int, busy map[string]bool) ([]state.Intent, error) {
	now := l.now()
	if l.once {
		now = now.AddDate(100, 0, 0)
		busy = maps.Clone(busy)
		if busy == nil {
			busy = map[string]bool{}
		}
		for id, n := range l.tries {
			if n >= onceTries {
				busy[id] = true
			}
		}
	}
	return l.store.Due(ctx, l.name, now, limit, busy)
}

// outcome is how a delivery has ended.
type outcome struct {
	intent state.Intent
	err    error
}

// workload is the deliveries of one session.
type workload struct {
	busy    map[string]bool // ids under way or in queue
	queue   []state.Intent  // fetched, not begun
	active  int
	cost    int64
	results chan outcome
}

// work delivers over one session until it is lost, ctx ends, the destination cannot take anything (pause tells why), or
// nothing is left with once. Deliveries under way when ctx ends get the grace to finish.
func (l *link) work(ctx context.Context, session Session) (pause error, progressed bool) {
	deliveries, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := &workload{busy: map[string]bool{}, results: make(chan outcome)}
	ended, lost := ctx.Done(), session.Done()
	var grace <-chan time.Time
	for {
		draining := pause != nil || ctx.Err() != nil || session.Err() != nil
		finished := l.noMoreComes()
		if !draining {
			if err := l.fill(ctx, deliveries, session, w); err != nil {
				pause = err
				continue
			}
		}
		if w.active == 0 && (draining || (l.once && finished)) {
			return pause, progressed
		}
		l.setBusy(w.active > 0)
		next, stop, err := l.nextDue(ctx)
		if err != nil {
			pause = err
		}
		select {
		case o := <-w.results:
			w.end(o.intent)
			l.stopMoving(o.intent.ID)
			if o.err == nil {
				progressed = true
			} else if err := l.conclude(deliveries, session, o); err != nil && pause == nil {
				pause = err
			}
		case <-l.wake:
		case <-next:
		case <-l.comesNoMore():
		case <-lost:
			lost = nil
		case <-ended:
			ended = nil
			timer := time.NewTimer(l.grace)
			defer timer.Stop()
			grace = timer.C
		case <-grace:
			cancel()
			session.Close()
		}
		stop()
	}
}

// fill begins as many deliveries as there is room for.
func (l *link) fill(ctx, deliveries context.Context, session Session, w *workload) error {
	for w.active < cap(l.slots) && (w.cost < memoryBudget || w.active == 0) {
		if len(w.queue) == 0 {
			due, err := l.due(ctx, queueAhead, w.busy)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
			if len(due) == 0 {
				return nil
			}
			w.queue = due
			for _, i := range due {
				w.busy[i.ID] = true
			}
		}
		intent := w.queue[0]
		w.queue = w.queue[1:]
		w.active++
		w.cost += costOf(intent)
		l.startMoving(intent)
		go func() { // ends in a result, which work waits for
			w.results <- outcome{intent, l.deliver(deliveries, session, intent)}
		}()
	}
	return nil
}

func costOf(i state.Intent) int64 { return min(i.Fingerprint.Size, fileCost) }

// end takes a delivery off the books. Its id is free to be fetched again, if the store still holds it as due.
func (w *workload) end(i state.Intent) {
	w.active--
	w.cost -= costOf(i)
	delete(w.busy, i.ID)
}

// deliver runs one delivery, within the limit on files under way of all links.
func (l *link) deliver(ctx context.Context, session Session, intent state.Intent) error {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return ctx.Err()
	case <-session.Done():
		return session.Err()
	}
	folder, ok := l.folders[intent.Folder]
	if !ok {
		return errNoFolder
	}
	d := &delivery{
		store: l.store, session: session, folder: folder, intent: intent, now: l.now, observe: l.watchMoving, began: l.now(),
	}
	if err := d.run(ctx); err != nil {
		return err
	}
	l.ended(ctx, intent)
	return nil
}

// errNoFolder says that an intent belongs to a folder that the configuration no longer has.
var errNoFolder = errors.New("the configuration has no such folder any more")

func (l *link) setBusy(on bool) {
	if on {
		l.setState(LinkActive, nil, time.Time{})
		return
	}
	l.setState(LinkIdle, nil, time.Time{})
}

func (l *link) startMoving(i state.Intent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.moving[i.ID] = &Transfer{
		ID: i.ID, Folder: i.Folder, Destination: l.name, Path: string(i.Path), Size: i.Fingerprint.Size, StartedAt: l.now(),
	}
}

func (l *link) stopMoving(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.moving, id)
}

// watchMoving keeps the transfers' progress on the way to the observer.
func (l *link) watchMoving(e Event) {
	if e.Type == EventProgress {
		l.mu.Lock()
		if t := l.moving[e.ID]; t != nil {
			t.Sent = e.Sent
		}
		l.mu.Unlock()
	}
	l.observe(e)
}
