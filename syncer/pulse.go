package syncer

import (
	"sync/atomic"
	"time"
)

// pulse shows from outside whether a link's goroutine gets on. It rests while it waits for something to do; what it does in
// between is bounded, since every request has a deadline and deliveries run on goroutines of their own.
type pulse struct {
	since atomic.Int64 // when the step under way began, nanoseconds since 1970; 0 at rest
}

// work begins a step.
func (p *pulse) work() { p.since.Store(time.Now().UnixNano()) }

// rest ends the step. What it returns begins the next.
func (p *pulse) rest() (work func()) {
	p.since.Store(0)
	return p.work
}

// end is rest for good: what has ended does not hang.
func (p *pulse) end() { p.since.Store(0) }

// step returns for how long the step under way has gone on, 0 at rest.
func (p *pulse) step(now time.Time) time.Duration {
	since := p.since.Load()
	if since == 0 {
		return 0
	}
	return max(now.Sub(time.Unix(0, since)), 0)
}

// LongestStep returns for how long the step of a link has gone on that has gone on longest, and that link's destination.
// Minutes are normal where a server is slow; what never ends is a fault of ours.
func (s *Syncer) LongestStep() (destination string, longest time.Duration) {
	now := time.Now()
	s.mu.RLock()
	defer s.mu.RUnlock()
	for name, l := range s.links {
		if step := l.pulse.step(now); step > longest {
			destination, longest = name, step
		}
	}
	return destination, longest
}
