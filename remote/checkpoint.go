package remote

import (
	"encoding"
	"errors"
	"fmt"
	"io"

	"github.com/pkg/sftp"
)

// Mark is a checkpoint of an upload: every byte below Offset was acknowledged by the server, and synced there where it
// offers that. The SHA-256 goes on from it, so that the hash of the whole is known without reading what was sent again.
type Mark struct {
	Offset int64
	Hash   []byte // marshalled state of the SHA-256 of the bytes below Offset
}

// resume brings the temp, the source and the hash to the mark; or to the beginning where the server has less than it has
// acknowledged, which a power cut there can do. A stream has no beginning any more: that is an error of kind Integrity.
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
	if u.Size == Unknown && size < at.Offset {
		return &Error{
			Op: "put", Destination: s.target.Name, Path: u.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of the %d that it has acknowledged, and the stream cannot be read again", size, at.Offset),
		}
	}
	if size < at.Offset || (u.Size != Unknown && at.Offset > u.Size) || in.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(at.Hash) != nil {
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
	in.goOnFrom(at.Offset)
	_, err = f.Seek(at.Offset, io.SeekStart) // asks nothing of the server
	return err
}
