package remote

import "time"

// writeRoom is how many bytes of WRITEs may be in flight on a channel. It is fitted to the rate at which they are answered: too few leave a
// long line idle, and behind too many everything else waits. The first limit is its owner's.
type writeRoom struct {
	turns
	pace pace
}

// answered gives back the room of WRITEs that were answered. Before the first measure the room grows by what was answered, which is twice as
// much with each round trip, up to most.
func (r *writeRoom) answered(n int, roundTrip time.Duration, most float64) {
	r.give(n)
	_, told := r.pace.note(time.Now(), n, r.inUse() > 0, paceFor(roundTrip))
	switch rate, measures := r.pace.best(); {
	case told:
		r.limit(int(max(leastWindow, min(most, float64(windowFor(rate, roundTrip))))))
	case measures == 0 && roundTrip >= laneFrom:
		r.limit(int(min(most, float64(r.bound()+n))))
	}
}
