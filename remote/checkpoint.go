package remote

import (
	"encoding"
	"errors"
	"fmt"
	"io"
)

// Mark is a checkpoint of an upload: every byte below Offset was acknowledged by the server, and synced there where it
// offers that. The SHA-256 goes on from it, so that the hash of the whole is known without reading what was sent again.
// The zero Mark says that nothing counts of what was sent.
type Mark struct {
	Offset int64
	Hash   []byte // marshalled state of the SHA-256 of the bytes below Offset
}

// goOn opens the temp of an earlier attempt, where there is a mark to go on from. Nothing is created or emptied: a server that
// hangs may do what it was asked for when another session has long gone on, or has published the file.
func (w *writing) goOn(l *lane) (begun bool, err error) {
	s, u := w.session, w.upload
	if u.From.Offset == 0 {
		return false, nil
	}
	handle := ""
	err = s.fly(l, u.Temp, false, 0, openRequest("put", u.Temp, openWrite, &handle))
	switch {
	case Missing.is(err):
		return false, w.beginAnew(0)
	case err != nil:
		s.noteResume(err)
		return false, s.diskFull(w.in.ctx, err)
	}
	w.files = []openFile{{l, handle}}
	return true, nil
}

// noteResume learns from the refusal of what only an upload asks for that goes on.
func (s *Session) noteResume(err error) {
	if Unsupported.is(err) {
		s.note(func(c *Capabilities) { c.NoResume = true })
	}
}

// beginAnew takes the mark back, before anything is written: the temp may reach that far again before all that lies below is
// acknowledged. A stream has no beginning any more: that is an error of kind Integrity.
func (w *writing) beginAnew(size int64) error {
	u := w.upload
	if u.Size == Unknown {
		return &Error{
			Op: "put", Destination: w.session.target.Name, Path: u.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of the %d that it has acknowledged, and the stream cannot be read again", size, u.From.Offset),
		}
	}
	w.in.sum.Reset()
	u.From = Mark{}
	if u.Save != nil {
		w.local = u.Save(u.From)
	}
	return nil
}

// resume brings the source and the hash to the mark; or to the beginning where the server has less than it has acknowledged,
// which a power cut there can do. What lies above is written again, and never cut off: what was sent to the temp is the same
// each time. One that is longer than the whole has got other bytes: that is an error of kind Integrity.
func (w *writing) resume() error {
	s, u, in, f := w.session, w.upload, w.in, w.files[0]
	var info Info
	if err := s.fly(f.lane, u.Temp, false, 0, statRequest(packetFstat, f.handle, &info)); err != nil {
		s.noteResume(err)
		return err
	}
	if u.Size != Unknown && info.Size > u.Size {
		return &Error{
			Op: "put", Destination: s.target.Name, Path: u.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of a file of %d", info.Size, u.Size),
		}
	}
	if info.Size < u.From.Offset || (u.Size != Unknown && u.From.Offset > u.Size) || in.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.From.Hash) != nil {
		if err := w.beginAnew(info.Size); err != nil || w.local != nil {
			return err
		}
	}
	seeker, ok := in.r.(io.Seeker)
	if !ok {
		w.local = errors.New("resume: the source cannot seek")
		return nil
	}
	at := u.From.Offset
	if _, w.local = seeker.Seek(at, io.SeekStart); w.local == nil {
		in.goOnFrom(at)
		w.sent = at
	}
	return nil
}
