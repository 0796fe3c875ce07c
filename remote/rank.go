package remote

import (
	"fmt"
	"sync/atomic"
)

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

// writeRanked writes a request by itself, and keeps its rank.
func (m *mux) writeRanked(r *rank, packet []byte) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	r.before = m.sent.Load()
	r.mux.Store(m)
	m.sent.Add(1)
	if _, err := m.out.Write(packet); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}
