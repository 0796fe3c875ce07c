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

// resume brings the temp, the source and the hash to the mark; or to the beginning where the server has less than it has
// acknowledged, which a power cut there can do. Then the mark is taken back before anything is written: the temp may reach
// that far again before all that lies below is acknowledged. A stream has no beginning any more: that is an error of kind
// Integrity.
func (w *writing) resume() error {
	s, u, in, f := w.session, w.upload, w.in, w.files[0]
	var info Info
	if err := s.fly(f.lane, u.Temp, false, 0, statRequest(packetFstat, f.handle, &info)); err != nil {
		return err
	}
	at := u.From
	if u.Size == Unknown && info.Size < at.Offset {
		return &Error{
			Op: "put", Destination: s.target.Name, Path: u.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of the %d that it has acknowledged, and the stream cannot be read again", info.Size, at.Offset),
		}
	}
	if info.Size < at.Offset || (u.Size != Unknown && at.Offset > u.Size) || in.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.Hash) != nil {
		in.sum.Reset()
		at = Mark{}
		if u.Save != nil {
			if w.local = u.Save(at); w.local != nil {
				return nil
			}
		}
	}
	if info.Size > at.Offset {
		// What lies above the mark is written again, so that a server which refuses does no harm, unless the temp is
		// longer than the whole: then the verification says so.
		if err := s.fly(f.lane, u.Temp, false, 0, truncateRequest(f.handle, at.Offset)); Transient.is(err) {
			return err
		}
	}
	seeker, ok := in.r.(io.Seeker)
	if !ok {
		w.local = errors.New("resume: the source cannot seek")
		return nil
	}
	if _, w.local = seeker.Seek(at.Offset, io.SeekStart); w.local == nil {
		in.goOnFrom(at.Offset)
		w.sent = at.Offset
	}
	return nil
}
