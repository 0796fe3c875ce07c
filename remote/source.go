package remote

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"
)

// Unknown is the Size of an Upload that is a stream: it ends where it ends, and whoever reads it has to know whether
// that is the end of what was meant. It goes on from a mark like a file, if its source can still seek there; it never
// begins anew by itself.
const Unknown int64 = -1

// errShortTransfer says that a local file ended before its size, or went on after it.
var errShortTransfer = errors.New("the file's size changed while it was read")

// source hashes and counts what is read, ends at the expected size, and keeps an error of the local side apart from
// those of the connection.
type source struct {
	ctx    context.Context //nolint:containedctx // it lives no longer than the upload
	r      io.Reader
	sum    hash.Hash
	read   int64
	left   int64                    // to the expected size; meaningless of a stream
	stream bool                     // of unknown size
	ended  bool                     // all was read
	tap    func(at int64, b []byte) // see Upload.Tap; may be nil
	err    error

	// A stretch ends, for a checkpoint, when due bytes are read or due time has come.
	stretching bool
	due        int64
	dueTime    time.Time
}

// newSource reads from r, of which size bytes are expected.
func newSource(ctx context.Context, r io.Reader, size int64) *source {
	return &source{ctx: ctx, r: r, sum: sha256.New(), left: size, stream: size == Unknown}
}

// size returns how many bytes the source has, as far as that is known.
func (in *source) size() int64 {
	if in.stream {
		return in.read
	}
	return in.read + in.left
}

// goOnFrom takes the bytes below at for read.
func (in *source) goOnFrom(at int64) {
	in.left -= at - in.read
	in.read = at
}

// next reads what goes in the next packet, or a checkpoint that is due. It returns nil when the source has ended, or
// failed: err tells.
func (in *source) next(packet int64, u *Upload) *piece {
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err == nil && in.left == 0 {
		in.end()
	}
	if in.err != nil || in.ended {
		return nil
	}
	if u.Save != nil && !in.stretching {
		in.stretch(u.CheckpointBytes, u.CheckpointEvery)
	}
	if in.stretched() {
		in.stretching = false
		m, err := in.mark()
		if in.err = err; err != nil {
			return nil
		}
		return &piece{mark: &m}
	}
	if !in.stream {
		packet = min(packet, in.left)
	}
	p := newPiece(int(packet))
	n, err := in.fill(p.data)
	if p.data = p.data[:n]; err != nil || n == 0 {
		return nil
	}
	return p
}

// fill reads whole packets of a file, and of a stream what there is: it may be slow.
func (in *source) fill(b []byte) (n int, err error) {
	if in.stream {
		for n == 0 && err == nil {
			n, err = in.r.Read(b)
		}
		if errors.Is(err, io.EOF) {
			in.ended, err = true, nil
		}
	} else {
		n, err = io.ReadFull(in.r, b)
		err = notEnd(err)
	}
	in.sum.Write(b[:n])
	if in.tap != nil {
		in.tap(in.read, b[:n])
	}
	in.goOnFrom(in.read + int64(n))
	in.err = err
	return n, err
}

// end checks that the source ends here.
func (in *source) end() {
	var one [1]byte
	switch _, err := io.ReadFull(in.r, one[:]); {
	case err == nil:
		in.err = errShortTransfer
	case errors.Is(err, io.EOF):
		in.ended = true
	default:
		in.err = err
	}
}

// notEnd returns the error of a read that came before the expected end.
func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShortTransfer
	}
	return err
}

// stretch begins a part of the source that ends with a checkpoint.
func (in *source) stretch(size int64, every time.Duration) {
	in.stretching, in.due, in.dueTime = true, 0, time.Time{}
	if size > 0 {
		in.due = in.read + size
	}
	if every > 0 {
		in.dueTime = time.Now().Add(every)
	}
}

// stretched tells whether a checkpoint is due.
func (in *source) stretched() bool {
	return in.stretching && ((in.due > 0 && in.read >= in.due) || (!in.dueTime.IsZero() && time.Now().After(in.dueTime)))
}

// mark returns a checkpoint of what was read.
func (in *source) mark() (Mark, error) {
	state, err := in.sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return Mark{}, fmt.Errorf("checkpoint: %w", err)
	}
	return Mark{Offset: in.read, Hash: state}, nil
}
