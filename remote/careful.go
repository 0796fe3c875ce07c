package remote

// Some servers answer FAILURE to requests about one file that come together, since they write in order only and have several
// workers. What they answer says no more than that something failed, so that the file is tried once more with one request at
// a time and 32 KiB in a WRITE; when that has helped twice in a row, all files are sent so. Other files go on beside it.

// enoughRefusals is how many uploads have to be refused, and then taken with one request at a time, for all others to be
// sent so.
const enoughRefusals = 2

// isCareful tells whether one thing is asked for at a time of each file.
func (c *Capabilities) isCareful() bool { return c.Refusals >= enoughRefusals }

// noteRefusals learns from an upload that was taken. sentTogether says that it had several WRITEs under way.
func (w *writing) noteRefusals(sentTogether bool) {
	s := w.session
	n := s.caps.Load().Refusals
	switch {
	case w.upload.Careful && n < enoughRefusals:
		s.note(func(c *Capabilities) { c.Refusals++ })
	case !w.careful && sentTogether && n > 0:
		s.note(func(c *Capabilities) { c.Refusals = 0 })
	}
}
