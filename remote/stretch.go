package remote

// stretch is what is written between two checkpoints. Its upload's lock guards it.
type stretch struct {
	flying  int  // WRITEs that are not answered
	ended   bool // no more of them follow
	settled chan struct{}
}

func newStretch() *stretch { return &stretch{settled: make(chan struct{})} }

// answered takes in the answer to one.
func (s *stretch) answered() {
	s.flying--
	s.settle()
}

// end says that no more WRITEs follow.
func (s *stretch) end() {
	s.ended = true
	s.settle()
}

func (s *stretch) settle() {
	if s.ended && s.flying == 0 {
		close(s.settled)
	}
}

// saved is what became of a checkpoint.
type saved struct {
	err   error // of the server
	local error
}

// save makes a checkpoint of what was sent so far, while more is sent: it is acknowledged, synced, and then saved. The one before
// it is waited for.
func (w *writing) save(m *Mark) error {
	if err := w.awaitSaved(); err != nil || w.local != nil {
		return err
	}
	w.mu.Lock()
	last := w.since
	if w.since = nil; last == nil {
		last = newStretch()
	}
	last.end()
	w.mu.Unlock()
	saving, first := make(chan saved, 1), w.files[0]
	w.saving = saving
	go func() { saving <- w.checkpoint(m, last, first) }() // awaitSaved waits for it
	if w.careful || w.in.stream {                          // a stream is kept until its mark is saved: what is read next may wait for that
		return w.awaitSaved()
	}
	return nil
}

// awaitSaved waits for the checkpoint under way, where there is one.
func (w *writing) awaitSaved() error {
	if w.saving == nil {
		return nil
	}
	return w.took(<-w.saving)
}

// lookSaved takes what became of a checkpoint that has come to its end.
func (w *writing) lookSaved() error {
	select {
	case s := <-w.saving:
		return w.took(s)
	default:
		return nil
	}
}

func (w *writing) took(s saved) error {
	if w.saving = nil; w.local == nil {
		w.local = s.local
	}
	return s.err
}

// checkpoint syncs what was written up to the end of a stretch, by one of the files, and saves the mark. Where a WRITE was refused it
// saves nothing, and leaves it to the upload to tell.
func (w *writing) checkpoint(m *Mark, last *stretch, f openFile) saved {
	s := w.session
	select {
	case <-last.settled:
	case <-s.dead:
		return saved{err: errGone}
	}
	w.mu.Lock()
	err := w.err
	w.mu.Unlock()
	if err != nil {
		return saved{}
	}
	if s.caps.Load().Fsync {
		err := s.settleSync(s.fly(f.lane, w.upload.Temp, true, m.Offset, syncRequest(f.handle)))
		if s.Err() != nil {
			return saved{err: errGone} // of the whole upload, not of this request
		}
		if err != nil {
			return saved{err: err}
		}
	}
	return saved{local: w.upload.Save(*m)}
}
