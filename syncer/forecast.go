package syncer

import (
	"math"
	"sync/atomic"
	"time"
)

// Whether less of a file is sent is decided by what it is expected to cost: reading and comparing it here, copying at the server, a
// few round trips. Where the line is faster than the disks, the whole is there sooner.

// Bytes per second, until something was learned of a destination.
const (
	usualSend = 100 << 20
	usualCopy = 1000 << 20
	usualHash = 400 << 20
	usualPlan = 600 << 20 // of finding out here what is new, which is not learned
)

// requestCost is what one copy more costs, besides its bytes.
const requestCost = 20 * time.Microsecond

// How many round trips more than an upload it takes.
const (
	patchTrips = 3 // to put a file together
	copyTrips  = 2 // to copy one whole
)

// rate is a speed in bytes per second that is learned from what has happened. The zero value knows none.
type rate struct {
	bits    atomic.Uint64
	learned atomic.Bool // it was noted since that was last asked
}

// leastLearned is how many bytes tell something of a speed.
const leastLearned = 1 << 20

// note learns from how long so many bytes took. What comes last counts as much as all before.
func (r *rate) note(bytes int64, took time.Duration) {
	if bytes < leastLearned || took <= 0 {
		return
	}
	now := float64(bytes) / took.Seconds()
	if before := r.or(0); before > 0 {
		now = (before + now) / 2
	}
	r.bits.Store(math.Float64bits(now))
	r.learned.Store(true)
}

// recall takes a speed that was learned earlier, where none is known.
func (r *rate) recall(bytes float64) {
	if bytes > 0 {
		r.bits.CompareAndSwap(0, math.Float64bits(bytes))
	}
}

// or returns the speed, or another one where none is known.
func (r *rate) or(usual float64) float64 {
	if known := math.Float64frombits(r.bits.Load()); known > 0 {
		return known
	}
	return usual
}

// speeds are those of one destination.
type speeds struct{ send, copy, hash rate }

// forecast is what one file is expected to cost.
type forecast struct {
	size    int64         // in bytes
	literal int64         // of it, what has to be sent
	parts   int           // requests to copy
	planned bool          // it is known what has to be sent
	noted   bool          // the index that this takes is yet to be made
	hashed  bool          // sent as a whole, it would be hashed at the server as well
	trips   int           // more than an upload takes
	trip    time.Duration // round trip
	send    float64       // bytes per second, as are the next two
	copy    float64
	hash    float64
}

func lasts(bytes int64, rate float64) time.Duration {
	return time.Duration(float64(bytes) / rate * float64(time.Second))
}

// whole returns how long sending all of it takes.
func (f *forecast) whole() time.Duration { return lasts(f.size, f.send) }

// patched returns how long putting it together takes.
func (f *forecast) patched() time.Duration {
	took := lasts(f.literal, f.send) + lasts(f.size-f.literal, f.copy) + time.Duration(f.parts)*requestCost + time.Duration(f.trips)*f.trip
	if !f.planned {
		took += lasts(f.size, usualPlan)
	}
	if f.noted {
		took += lasts(f.size, usualPlan) // it cuts the version before in the same way
	}
	if !f.hashed {
		took += lasts(f.size, f.hash)
	}
	return took
}

// worth tells whether it is put together: where that spares a fifth of the time. What is only expected may be wrong.
func (f *forecast) worth() bool { return f.patched()*5 < f.whole()*4 }

// spares returns how much sooner it is there than the whole would be.
func (f *forecast) spares() time.Duration { return f.whole() - f.patched() }

// reads returns how long reading all of it takes here.
func (f *forecast) reads() time.Duration { return lasts(f.size, usualPlan) }
