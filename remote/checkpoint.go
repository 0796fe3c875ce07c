package remote

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
)

// Mark is a checkpoint of an upload: every byte below Offset was acknowledged by the server, and synced there where it
// offers that. The SHA-256 goes on from it, so that the hash of the whole is known without reading what was sent again.
type Mark struct {
	Offset int64
	Hash   []byte // marshalled state of the SHA-256 of the bytes below Offset
}

// stretch begins a part of the source that ends with a checkpoint.
func (in *source) stretch(size int64, every time.Duration) {
	in.due, in.dueTime = 0, time.Time{}
	if size > 0 {
		in.due = in.sent + size
	}
	if every > 0 {
		in.dueTime = time.Now().Add(every)
	}
}

// stretched tells whether a checkpoint is due.
func (in *source) stretched() bool {
	return (in.due > 0 && in.sent >= in.due) || (!in.dueTime.IsZero() && time.Now().After(in.dueTime))
}

// mark saves a checkpoint of what was read, all of which has been acknowledged.
func (in *source) mark(save func(Mark) error) error {
	state, err := in.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return save(Mark{Offset: in.sent, Hash: state})
}

// resume brings the temp, the source and the hash to the mark; or to the beginning where the server has less than it has
// acknowledged, which a power cut there can do.
func (s *Session) resume(u Upload, f *sftp.File, in *source) error {
	var size int64
	err := s.do("put", u.Temp, func() error {
		info, err := f.Stat()
		if err == nil {
			size = info.Size()
		}
		return err
	})
	if err != nil {
		return err
	}
	at := u.From
	if size < at.Offset || at.Offset > u.Size || in.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.Hash) != nil {
		in.sum.Reset()
		at = Mark{}
	}
	if size > at.Offset {
		// What lies above the mark is written again, so that a server which refuses does no harm, unless the temp is
		// longer than the whole: then the verification says so.
		if err := s.do("put", u.Temp, func() error { return f.Truncate(at.Offset) }); err != nil && KindOf(err) == Transient {
			return err
		}
	}
	seeker, ok := in.r.(io.Seeker)
	if !ok {
		in.err = errors.New("resume: the source cannot seek")
		return nil
	}
	if _, in.err = seeker.Seek(at.Offset, io.SeekStart); in.err != nil {
		return nil
	}
	in.sent, in.left = at.Offset, u.Size-at.Offset
	_, err = f.Seek(at.Offset, io.SeekStart) // asks nothing of the server
	return err
}
