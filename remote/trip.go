package remote

import (
	"sync/atomic"
	"time"
)

// roundTrip is the shortest time in which the server has answered a request: that of the way there and back, without what
// queues on it.
type roundTrip struct{ least atomic.Int64 }

// took notes how long an answer took.
func (r *roundTrip) took(t time.Duration) {
	for {
		least := r.least.Load()
		if least > 0 && least <= int64(t) || r.least.CompareAndSwap(least, int64(t)) {
			return
		}
	}
}

// RoundTrip returns the shortest time in which the server has answered so far, 0 before it has answered anything.
func (s *Session) RoundTrip() time.Duration { return time.Duration(s.trip.least.Load()) }
