package remote

import "errors"

// answered takes in an answer. The goroutine that reads for all calls it.
func (w *patching) answered(p Part, err error) {
	w.mu.Lock()
	w.flying--
	switch {
	case err == nil:
		w.done += p.Length
	case p.copied() && w.mayWrite(p, err):
		w.refused, w.lost = append(w.refused, p), w.lost+p.Length
	case w.err == nil:
		w.err = err
	}
	w.mu.Unlock()
	w.watch.own.touch()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// mayWrite tells whether a part that the server has refused to copy is to be written. Where it copies hardly anything, the
// whole is sent as soon.
func (w *patching) mayWrite(p Part, err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && status.kind() != Unsupported && status.kind() != DiskFull && w.src != nil && w.lost+p.Length <= w.patch.Size/2
}

// tell tells how much is there.
func (w *patching) tell() {
	if w.patch.Progress == nil {
		return
	}
	w.mu.Lock()
	done := w.done
	w.mu.Unlock()
	w.patch.Progress(done)
}

// drain waits until every request is answered, or one has failed that ends it all.
func (w *patching) drain() error {
	return w.session.drain(w.changed, func() (flying int, err error) {
		w.tell()
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.flying, w.err
	})
}
