package remote

// Some servers answer FAILURE to WRITEs of one file that come together, since they write in order only and have several
// workers. What they answer says no more than that something failed, so that it is tried once more with one request at a
// time and 32 KiB with it; when that has helped twice in a row, it stays so.

// enoughRefusals is how many uploads have to be refused, and then taken with one request at a time, for all others to be
// sent so.
const enoughRefusals = 2

// Careful has the session ask for one thing at a time from now on, with 32 KiB in a WRITE. Nothing else should be under
// way.
func (s *Session) Careful() {
	s.careful.Store(true)
	s.bound(s.Capabilities())
}

// Relax ends what Careful has begun. helped says that what had been refused before was taken now.
func (s *Session) Relax(helped bool) {
	if helped {
		s.note(func(c *Capabilities) { c.Refusals++ })
	}
	s.careful.Store(false)
	s.bound(s.Capabilities())
}

// isCareful tells whether one thing is asked for at a time.
func (s *Session) isCareful() bool { return s.careful.Load() || s.caps.Load().inFlight() == 1 }

// inFlight returns how many requests may be under way at once; 0 is any number.
func (c Capabilities) inFlight() int {
	if c.Refusals >= enoughRefusals {
		return 1
	}
	return c.InFlight
}

// tookTogether notes that several WRITEs were taken together.
func (s *Session) tookTogether() {
	if s.caps.Load().Refusals > 0 && !s.isCareful() {
		s.note(func(c *Capabilities) { c.Refusals = 0 })
	}
}
