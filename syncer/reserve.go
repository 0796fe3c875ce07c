package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/state"
)

// A session makes small files of its own, to find out what the server can do. They are queued to be swept before they are
// made, so that a kill in between leaves nothing for good.

// sharedRest is for how long such files are let alone where other processes sweep the same queue.
const sharedRest = 10 * time.Minute

// reserve returns what keeps the names of such files: see remote.Session.Noting.
func (l *link) reserve(ctx context.Context) func(names []string) (done func(), err error) {
	ctx = context.WithoutCancel(ctx)
	return func(names []string) (func(), error) {
		sweeps := make([]state.Sweep, len(names))
		ids := make([]string, len(names))
		for i, name := range names {
			ids[i] = " " + name // of no intent
			sweeps[i] = state.Sweep{ID: ids[i], Destination: l.name, Temp: name}
			l.reserved.Store(ids[i], true)
		}
		var at time.Time
		if l.shared {
			at = l.clock().Add(sharedRest)
		}
		done := func() {
			_ = l.store.Swept(ctx, ids) // else they are looked for once more, and not found
			for _, id := range ids {
				l.reserved.Delete(id)
			}
		}
		return done, l.store.SweepLater(ctx, sweeps, at)
	}
}

// isReserved tells whether a session makes use of a file.
func (l *link) isReserved(sweep string) bool {
	_, reserved := l.reserved.Load(sweep)
	return reserved
}

// unreserve gives up what a session has left that has ended.
func (l *link) unreserve() { l.reserved.Clear() }
