package state

// Room returns a *RoomError where the disk under the store has fewer free bytes than least. Where that cannot be told,
// it returns nil: the next write tells.
func (s *Store) Room(least int64) error {
	free, err := freeIn(s.dir)
	if err != nil || free >= least {
		return nil //nolint:nilerr // see above
	}
	return &RoomError{Dir: s.dir, Free: free}
}

// noRoom is the error for a write that found the disk full.
func (s *Store) noRoom(err error) error {
	free, unknown := freeIn(s.dir)
	if unknown != nil {
		free = -1
	}
	return &RoomError{Dir: s.dir, Free: free, Err: err}
}

// FreeIn returns how many bytes an account without privileges can still write where dir is.
func FreeIn(dir string) (int64, error) { return freeIn(dir) }
