package remote

import (
	"context"
	"sync"
	"time"
)

// apart is a lane for copies alone, where one can be had. It is on the session's own connection: a further one may be given up when nothing
// is uploaded.
type apart struct {
	mu     sync.Mutex
	lane   *lane
	opened chan struct{} // closed when it is, or was refused; nil before it was asked for
}

// apartFrom is the size in bytes of a file from which its copying keeps others waiting for so long that it is worth a channel
// of its own.
const apartFrom = 64 << 20

// apartPatience is for how long that lane is waited for, at least.
const apartPatience = time.Second

// apart returns the lane for making a file of so many bytes. It does not wait for long for one that is being opened.
func (s *Session) apart(ctx context.Context, size int64) *lane {
	opened := s.openApart(size)
	if opened == nil {
		return &s.lane
	}
	late := time.NewTimer(max(apartPatience, openingTrips*s.RoundTrip()))
	defer late.Stop()
	select {
	case <-opened:
	case <-late.C:
	case <-ctx.Done():
	case <-s.dead:
	}
	a := &s.copying
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.lane == nil {
		return &s.lane
	}
	return a.lane
}

// openApart has the lane opened that a file of so many bytes is made on, unless that was done before; nil is none.
func (s *Session) openApart(size int64) (opened <-chan struct{}) {
	if size < apartFrom || s.ownLanes() == 1 {
		return nil
	}
	a := &s.copying
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.opened != nil {
		return a.opened
	}
	done := make(chan struct{})
	begun := s.spawn(func() {
		defer close(done)
		l, err := s.openLane(1, s.keepPlace())
		a.mu.Lock()
		defer a.mu.Unlock()
		if err == nil {
			a.lane = l
		}
	})
	if !begun {
		return nil
	}
	a.opened = done
	return done
}

// ForeseePatch says that a Patch of so many bytes may follow soon: over a long line, the channel that it has for itself is opened
// meanwhile, which takes three round trips. Where there are only two, it is not taken away from an upload that may follow instead.
func (s *Session) ForeseePatch(size int64) {
	if s.RoundTrip() >= spareFrom && s.ownLanes() > 2 {
		s.openApart(size)
	}
}
