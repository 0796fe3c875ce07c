package remote

import "sync/atomic"

// rank is how many requests of a mux were sent before a certain one. The zero value is that of one that is not sent yet.
type rank struct {
	mux    atomic.Pointer[mux]
	before int64 // set before mux is
}

// reached tells whether as many replies have come. A server that works in order is at work on this request then, and one that
// answers others behind it has had its time for it.
func (r *rank) reached() bool {
	m := r.mux.Load()
	return m != nil && m.answered.Load() >= r.before
}

// keep makes it that of the request that is written next. Its caller holds sending.
func (r *rank) keep(m *mux) {
	r.before = m.sent.Load()
	r.mux.Store(m)
}
