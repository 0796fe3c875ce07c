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
	ctx      context.Context //nolint:containedctx // an io.Reader has no other way to hear of its end
	r        io.Reader
	sum      hash.Hash
	progress func(int64)
	watch    *watch
	sent     int64
	left     int64 // to the expected size; meaningless of a stream
	stream   bool  // of unknown size
	ended    bool  // all was read
	err      error

	// A stretch ends, for a checkpoint, when due bytes are read or due time has come.
	due     int64
	dueTime time.Time
}

// newSource reads from r, of which size bytes are expected.
func newSource(ctx context.Context, r io.Reader, size int64, progress func(int64)) *source {
	return &source{ctx: ctx, r: r, sum: sha256.New(), progress: progress, left: size, stream: size == Unknown}
}

// size returns how many bytes the source has, as far as that is known.
func (in *source) size() int64 {
	if in.stream {
		return in.sent
	}
	return in.sent + in.left
}

// expected returns how many bytes are still to come; of a stream, more than are ever in flight.
func (in *source) expected() int64 {
	if in.stream {
		return windowBytes
	}
	return in.left
}

// goOnFrom takes the bytes below at for read.
func (in *source) goOnFrom(at int64) {
	in.left -= at - in.sent
	in.sent = at
}

// Read implements io.Reader. Its error ends the upload.
func (in *source) Read(b []byte) (int, error) {
	in.watch.leave()
	defer in.watch.back()
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	if in.err == nil && in.left == 0 {
		in.end()
	}
	switch {
	case in.err != nil:
		return 0, in.err
	case in.ended || in.stretched():
		return 0, io.EOF
	}
	n, err := in.next(b)
	in.sum.Write(b[:n])
	in.goOnFrom(in.sent + int64(n))
	if in.progress != nil && n > 0 {
		in.progress(in.sent)
	}
	if in.err = err; err == nil && in.ended {
		err = io.EOF
	}
	return n, err
}

// next reads whole packets of a file, and of a stream what there is: it may be slow.
func (in *source) next(b []byte) (int, error) {
	if !in.stream {
		n, err := io.ReadFull(in.r, b[:min(int64(len(b)), in.left)])
		return n, notEnd(err)
	}
	n, err := in.r.Read(b)
	if errors.Is(err, io.EOF) {
		in.ended, err = true, nil
	}
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

// notEnd returns the error of a read that came before the expected end: pkg/sftp would take an io.EOF for a success.
func notEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errShortTransfer
	}
	return err
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
