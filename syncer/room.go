package syncer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dropferry/dropferry/state"
)

const (
	// LeastRoom is how many bytes must be free under the store for a transfer to begin: what it would write down at its
	// end needs room then.
	LeastRoom = 16 << 20
	// roomLook is how often a link looks whether there is room again.
	roomLook = 5 * time.Second
)

// isNoRoom tells whether an error comes of a full disk under the store. Nothing can be recorded then, and so nothing
// must be sent.
func isNoRoom(err error) bool {
	_, full := errors.AsType[*state.RoomError](err)
	return full
}

// disk tells once, for all links, when the disk under the store is full and when it is not any more.
type disk struct {
	observe Observer
	now     func() time.Time
	mu      sync.Mutex
	full    bool
}

func (d *disk) tell(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if full := err != nil; full == d.full {
		return
	}
	e := Event{At: d.now(), Type: EventRoom}
	if d.full = !d.full; d.full {
		e.Type, e.Err, e.Reason = EventNoRoom, err, err.Error()
	}
	d.observe(e)
}

// awaitRoom waits until there is room for the store. It returns true when the link is to end.
func (l *link) awaitRoom(ctx context.Context, err error) (stop bool) {
	l.disk.tell(err)
	l.forgetFreed()
	l.setState(LinkWaiting, err, time.Time{})
	// A write that fails although there is room has met a quota, say. It is tried again as slowly as a full server.
	until := time.Now()
	if l.store.Room(LeastRoom) == nil {
		until = until.Add(fullRetry)
	}
	ticker := time.NewTicker(roomLook)
	defer ticker.Stop()
	defer l.pulse.rest()()
	for {
		select {
		case <-ctx.Done():
			return true
		case <-l.freed:
			if l.store.Room(LeastRoom) == nil {
				l.disk.tell(nil)
			}
			return false
		case <-ticker.C:
			full := l.store.Room(LeastRoom)
			switch {
			case full != nil:
				until = time.Now()
				l.setState(LinkWaiting, full, time.Time{})
			case !time.Now().Before(until):
				l.disk.tell(nil)
				return false
			}
		}
	}
}
