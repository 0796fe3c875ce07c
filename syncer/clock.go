package syncer

import (
	"sync"
	"time"
)

// steady is the wall clock as long as that is not put back: then it goes on from where it was. What is to happen at a
// moment after now does not have to wait for the moment to come again. A clock that is put forward is believed, so that
// the times that people see are right where they can be.
type steady struct {
	wall func() time.Time

	mu     sync.Mutex
	last   time.Time     // what wall said last
	asked  time.Time     // when, by the monotonic clock
	behind time.Duration // how far the wall clock was put back
}

func newSteady(wall func() time.Time) *steady { return &steady{wall: wall} }

// now never goes back, and never stands still for longer than the monotonic clock.
func (s *steady) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	wall, asked := s.wall().Round(0), time.Now()
	if !s.asked.IsZero() {
		s.behind = setBack(s.behind, wall.Sub(s.last), asked.Sub(s.asked))
	}
	s.last, s.asked = wall, asked
	return wall.Add(s.behind)
}

// setBack returns how far a wall clock is behind where it was, after it has gone on by shown while passed went by.
func setBack(behind, shown, passed time.Duration) time.Duration {
	return max(behind+passed-shown, 0)
}

// remaining returns how long a stored wait still takes: nothing where its end has passed, and no longer than any wait may
// be where the clock was put back since it was stored.
func remaining(end, now time.Time, longest time.Duration) time.Duration {
	return min(max(end.Sub(now), 0), longest)
}
