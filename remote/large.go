package remote

import "time"

// Some servers announce that they take more than 32 KiB in a WRITE and end the connection on the first of them. A cut of
// the network looks the same, except where a larger WRITE was acknowledged before: such a server bears them. Until then
// each session that ends right behind one is counted, and the next ones keep to 32 KiB for a while: see
// Capabilities.writeSize.

// noteLarge notes what an upload that has ended in err shows of WRITEs above 32 KiB.
func (s *Session) noteLarge(w *writing, err error) {
	w.mu.Lock()
	sent, acked := w.large, w.acked
	w.mu.Unlock()
	switch {
	case !sent || s.caps.Load().LargeWrites:
	case acked:
		s.note(func(c *Capabilities) { c.LargeWrites = true })
	case Transient.is(err) && s.lostItself() && s.largeCut.CompareAndSwap(false, true):
		s.note(func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = c.LargeCuts+1, time.Now().UTC() })
	}
}
