package remote

// Noting has note called with the remote names of files that the session is about to make for itself and to remove again,
// as a Probe does: whoever keeps them can remove what a kill leaves. done is called when they are gone. An error of note
// is that of what was to be done.
func (s *Session) Noting(note func(names []string) (done func(), err error)) { s.noting.Store(&note) }

// reserve notes names before the files are made.
func (s *Session) reserve(names ...string) (done func(), err error) {
	note := s.noting.Load()
	if note == nil || *note == nil {
		return func() {}, nil
	}
	return (*note)(names)
}
