package remote

import (
	"cmp"
	"slices"
	"sync"
)

// close ends the upload: it closes the file whatever has failed, and says so first.
func (w *writing) close(err error) error {
	if err == nil && w.failed() == nil {
		return w.finish(nil)
	}
	closeErr := w.closeAll(0)
	if err == nil {
		err = closeErr
	}
	return err
}

// failed returns an error of the local side.
func (w *writing) failed() error {
	if w.local != nil {
		return w.local
	}
	return w.in.err
}

// closeAll closes the files from the given one on, all at once, and returns the first error: what stays open takes the place of
// another.
func (w *writing) closeAll(from int) error {
	files := w.files[from:]
	errs := make([]error, len(files))
	var closing sync.WaitGroup
	for i, f := range files {
		closing.Go(func() {
			errs[i] = w.session.fly(f.lane, w.upload.Temp, true, w.in.size(), closeRequest(f.handle))
		})
	}
	closing.Wait()
	return cmp.Or(errs...)
}

// fly asks the first lane for what ends an upload.
func (w *writing) fly(requests []*request) error {
	flights := [][]*request{requests}
	if w.careful {
		flights = slices.Collect(slices.Chunk(requests, 1))
	}
	var err error
	for _, flight := range flights {
		if err = w.session.fly(w.files[0].lane, w.upload.Temp, true, w.in.size(), flight...); Transient.is(err) {
			return err
		}
	}
	return err
}

// finish sets the file's time, syncs it and closes it, in one round trip together with the writes that lead, and with what
// reads it back; nil reads nothing.
func (w *writing) finish(back *echo, writes ...*request) error {
	s, u, f := w.session, w.upload, w.files[0]
	if err := w.closeAll(1); err != nil {
		return err
	}
	caps := s.caps.Load()
	requests := writes
	var syncing, times *request
	if caps.SetTimes && isTime(u.ModTime) && !s.lateTimes.Load() {
		times = timesRequest(f.handle, u.ModTime)
		requests = append(requests, times)
	}
	if caps.Fsync {
		syncing = syncRequest(f.handle)
		requests = append(requests, syncing)
	}
	var info Info
	var look *request
	if !caps.Stat { // a server that tells nothing of a file that is closed: this is what Verify has to go by
		look = statRequest(packetFstat, f.handle, &info)
		requests = append(requests, look)
	}
	if back != nil {
		requests = append(requests, back.requests...)
	}
	if len(w.files) > 1 {
		s.striped.Store(u.Temp, struct{}{}) // Verify tells what came of it
	}
	closing := closeRequest(f.handle)
	requests = append(requests, closing)
	if err := w.fly(requests); Transient.is(err) {
		return err
	}
	for _, r := range writes {
		if r.err != nil {
			return r.err
		}
	}
	if times != nil && times.err != nil {
		s.lateTimes.Store(true) // by its handle, at least: by its name it may do
	}
	if look != nil && look.err == nil {
		s.told.Store(u.Temp, info)
	}
	if syncing != nil {
		if err := s.settleSync(syncing.err); err != nil {
			return err
		}
	}
	if back != nil && closing.err == nil {
		back.settle(w)
	}
	return closing.err
}
