package syncer

import (
	"context"
	"slices"
	"time"

	"github.com/dropferry/dropferry/state"
)

const (
	// smallFile is the size in bytes up to which a file never waits for large ones to end: some slots are for small ones
	// alone. So a file of a few bytes passes uploads that take for hours.
	smallFile = 256 << 10
	// smallBudget is what small files may take besides the memory budget, in bytes.
	smallBudget = 8 << 20
)

func isSmall(i *state.Intent) bool { return i.Fingerprint.Size <= smallFile }

// share returns how many large files are sent at once, and how many in all, where a person wants most: a quarter is kept
// for small ones. That is one at least, besides the others where they are few.
func share(most int) (large, all int) {
	large = most - most/4
	return large, max(most, large+1)
}

// slots bound the files under way to all destinations together.
type slots struct {
	most int // what a person wants

	large, small, all chan struct{}
}

func newSlots(most int) *slots {
	large, all := share(most)
	return &slots{most: most, large: make(chan struct{}, large), small: make(chan struct{}, most), all: make(chan struct{}, all)}
}

// take waits for a slot, at most until one of two channels is closed: then it returns nil, else what gives the slot back.
func (s *slots) take(small bool, first, second <-chan struct{}) (give func()) {
	own := s.large
	if small {
		own = s.small
	}
	select {
	case own <- struct{}{}:
	case <-first:
		return nil
	case <-second:
		return nil
	}
	select {
	case s.all <- struct{}{}:
		return func() { <-s.all; <-own }
	case <-first:
	case <-second:
	}
	<-own
	return nil
}

// single tells whether one file is sent at a time, whatever a person wants.
func (w *workload) single() bool {
	return w.solo || w.oneFile || w.full || w.alone != "" || w.atOnce() == 1
}

// atOnce is how many files may be under way by the server's limits and a person's; 0 is any number. More of them would only
// wait for their turn to be opened, and hold a slot meanwhile.
func (w *workload) atOnce() int {
	open := w.session.OpenFiles()
	if open == 0 || w.most == 0 {
		return max(open, w.most)
	}
	return min(open, w.most)
}

// room tells whether a file, small or not, can begin.
func (w *workload) room(most int, small bool) bool {
	if w.single() {
		return w.active == 0
	}
	trip, cost := w.session.RoundTrip(), w.cost.Load()
	most, budget := min(most, transfersFor(trip)), budgetFor(trip)
	large, all := share(most)
	if n := w.atOnce(); n > 0 {
		all = min(all, n)
		large = min(large, all-1)
	}
	if small {
		return w.active < all && w.active-w.large < most && cost < budget+smallBudget
	}
	return w.active < all && w.large < large && (cost < budget || w.large == 0)
}

// queueUp brings to the front of the queue what is to begin next, of what was due at the moment asked. It returns false
// where nothing is, or there is no room for it. What is due first comes first; but where that is a large file without
// room, small ones pass it.
func (l *link) queueUp(ctx context.Context, asked time.Time, w *workload) (bool, error) {
	most := l.common().slots.most
	if !w.room(most, true) && !w.room(most, false) {
		return false, nil
	}
	if len(w.queue) == 0 {
		limit := queueAhead
		if w.single() {
			limit = 1 // which is due first changes with each attempt
		}
		due, err := l.due(ctx, asked, limit, w.busy)
		if err != nil || len(due) == 0 {
			return false, err
		}
		w.fetched(due)
	}
	if w.room(most, isSmall(&w.queue[0])) {
		return true, nil
	}
	if l.isSuspect(w.queue[0].ID) || !w.room(most, true) {
		return false, nil
	}
	at := slices.IndexFunc(w.queue, func(i state.Intent) bool { return isSmall(&i) && !l.isSuspect(i.ID) })
	if at < 0 {
		due, err := l.dueSmall(ctx, asked, w)
		if err != nil || len(due) == 0 {
			return false, err
		}
		at = len(w.queue)
		w.fetched(due)
	}
	next := w.queue[at]
	w.queue = slices.Insert(slices.Delete(w.queue, at, at+1), 0, next)
	return true, nil
}

// fetched adds intents to the queue.
func (w *workload) fetched(due []state.Intent) {
	w.queue = append(w.queue, due...)
	for _, i := range due {
		w.busy[i.ID] = true
	}
}

// smallAhead is how many small files that are behind large ones are fetched from the store at once.
const smallAhead = 64

// dueSmall returns small files that were due at the moment asked, but for those that come after all others. Where there
// were none, it asks the store again only when there may be.
func (l *link) dueSmall(ctx context.Context, asked time.Time, w *workload) ([]state.Intent, error) {
	if !w.passed.IsZero() {
		next, some, err := l.store.NextDue(ctx, l.name, w.passed)
		if err != nil || !some || next.After(asked) || l.once { // then all were due from the beginning
			return nil, err
		}
	}
	paused, err := l.store.PausedAt(ctx, l.name)
	if err != nil {
		return nil, err
	}
	due, err := l.dueOfOurs(ctx, smallAhead, w.busy, with(l.beyond(0, w.busy), paused), func(skip map[string]bool) ([]state.Intent, error) {
		return l.store.DueSmall(ctx, l.name, l.ripeAt(asked), smallFile, smallAhead, skip)
	})
	if err == nil && len(due) == 0 {
		w.passed = asked
	}
	return due, err
}
