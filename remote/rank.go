package remote

import "sync/atomic"

// rank is how many requests of a mux were made before a certain one. The zero value is that of one that is not made yet.
type rank struct {
	mux    atomic.Pointer[mux]
	before int64 // set before mux is
}

// next keeps the rank of the request that the caller makes next on a mux. It is kept once.
func (r *rank) next(m *mux) {
	r.before = m.asked.Load()
	r.mux.Store(m)
}

// reached tells whether as many replies have come. A server that works in order is at work on this request then, and one that
// answers others behind it has had its time for it.
func (r *rank) reached() bool {
	m := r.mux.Load()
	return m != nil && m.answered.Load() >= r.before
}
