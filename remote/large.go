package remote

import (
	"io"
	"time"

	"github.com/pkg/sftp"
)

// Some servers announce that they take more than 32 KiB in a WRITE and end the connection on the first of them. A cut of
// the network looks the same, except where a larger WRITE was acknowledged before: such a server bears them. Until then
// each session that ends right behind one is counted, and the next ones keep to 32 KiB for a while: see
// Capabilities.writeSize.

// noteLarge notes what a stretch of an upload shows of WRITEs above 32 KiB: it began at an offset, has sent so many bytes,
// and ended in err.
func (s *Session) noteLarge(f *sftp.File, begun, sent int64, err error) {
	if sent <= safeWrite || s.limits.write() <= safeWrite || s.mux.split.Load() > 0 || s.caps.Load().LargeWrites {
		return
	}
	// pkg/sftp has set the offset to that of the first WRITE that failed, or to the end.
	at, seekErr := f.Seek(0, io.SeekCurrent)
	switch {
	case seekErr == nil && at > begun:
		s.note(func(c *Capabilities) { c.LargeWrites = true })
	case Transient.is(err) && s.lostItself() && s.largeCut.CompareAndSwap(false, true):
		s.note(func(c *Capabilities) { c.LargeCuts, c.LargeCutAt = c.LargeCuts+1, time.Now().UTC() })
	}
}
