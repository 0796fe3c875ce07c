package remote

import (
	"fmt"
	"sync"
)

// A packet of SSH costs both sides about the same whatever is in it: to encrypt it, two calls of the system, two processes
// woken at the server. So requests share one where they come at the same time: what comes while another is being written goes
// out together, and nothing waits for more to come.

// mostTogether is how many bytes of requests share a write: x/crypto/ssh cuts at as much.
const mostTogether = 32 << 10

// mostCopied is the size of requests in bytes from which they are written by themselves: to copy them would cost more.
const mostCopied = 8 << 10

// batches are the requests that wait to be written.
type batches struct {
	mu   sync.Mutex
	open *batch // takes more of them; nil where none waits
}

// batch is requests that are written at once.
type batch struct {
	data    []byte
	holds   int64         // requests
	written chan struct{} // closed when they are
	err     error         // set before
}

// write writes whole requests, those of one call behind each other. at becomes the rank of the first, unless it is nil.
func (m *mux) write(at *rank, packets ...[]byte) error {
	size := 0
	for _, packet := range packets {
		size += len(packet)
	}
	var err error
	if at != nil || size > mostCopied {
		err = m.writeAlone(at, packets)
	} else {
		err = m.writeTogether(packets, size)
	}
	if err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}

func (m *mux) writeAlone(at *rank, packets [][]byte) error {
	m.sending.Lock()
	defer m.sending.Unlock()
	if at != nil {
		at.keep(m)
	}
	m.sent.Add(int64(len(packets)))
	for _, packet := range packets {
		if _, err := m.out.Write(packet); err != nil {
			return err
		}
	}
	return nil
}

// writeTogether adds requests to those that wait. Who comes first writes for all.
func (m *mux) writeTogether(packets [][]byte, size int) error {
	w := &m.batches
	w.mu.Lock()
	b := w.open
	first := b == nil || len(b.data)+size > mostTogether
	if first {
		b = &batch{written: make(chan struct{})}
		w.open = b
	}
	for _, packet := range packets {
		b.data = append(b.data, packet...)
	}
	b.holds += int64(len(packets))
	w.mu.Unlock()
	if !first {
		<-b.written
		return b.err
	}
	m.sending.Lock()
	w.mu.Lock()
	if w.open == b {
		w.open = nil
	}
	w.mu.Unlock()
	m.sent.Add(b.holds)
	_, b.err = m.out.Write(b.data)
	m.sending.Unlock()
	close(b.written)
	return b.err
}
