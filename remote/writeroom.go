package remote

import "time"

// writeRoom is how many bytes of WRITEs may be in flight on a channel. It is fitted to the rate at which they are answered: too few leave a
// long line idle, and behind too many everything else waits. The first limit is its owner's.
type writeRoom struct {
	turns
	pace pace
}

// answered gives back the room of WRITEs that were answered. Before the first measure the room grows by what was answered, which is twice as
// much with each round trip, up to most, as long as it is what holds the WRITEs up.
func (r *writeRoom) answered(n int, roundTrip time.Duration, most float64) {
	used := r.inUse()
	r.give(n)
	_, told := r.pace.note(time.Now(), n, used > n, paceFor(roundTrip))
	switch rate, measures := r.pace.best(); {
	case told:
		r.limit(windowFor(rate, roundTrip))
	case measures == 0 && roundTrip >= laneFrom && used > r.bound()/4:
		r.limit(int(max(float64(r.bound()), min(most, float64(r.bound()+n)))))
	}
}

// fit keeps the room to what a limit in bytes per second allows, 0 being none: everything else that is asked of the server queues behind
// what is in flight.
func (r *writeRoom) fit(limit int64, roundTrip time.Duration) {
	if limit > 0 {
		r.limit(min(r.bound(), windowFor(float64(limit), roundTrip)))
	}
}
