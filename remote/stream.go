package remote

import (
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pkg/sftp"
)

// Unknown is the Size of an Upload that is a stream: it ends where it ends, and whoever reads it has to know whether
// that is the end of what was meant. It goes on from a mark like a file, if its source can still seek there; it never
// begins anew by itself.
const Unknown int64 = -1

// flow is a source of unknown size.
type flow struct {
	source
	ended bool
}

// uploadStream is Upload for a source of unknown size.
func (s *Session) uploadStream(ctx context.Context, u Upload, src io.Reader) ([]byte, error) {
	f, err := s.create(ctx, u.Temp, u.From.Offset > 0)
	if err != nil {
		return nil, err
	}
	in := &flow{source: source{ctx: ctx, r: src, sum: sha256.New(), progress: u.Progress}}
	if u.From.Offset > 0 {
		err = s.resumeStream(u, f, in)
	}
	if err == nil && in.err == nil {
		err = s.writeStream(u, f, in)
	}
	if err == nil && in.err == nil {
		err = s.lookBeforeClose(u.Temp, f)
	}
	closeErr := s.doSlow("close", u.Temp, in.sent, f.Close)
	switch {
	case in.err != nil: // the local side is why
		return nil, in.err
	case err != nil:
		return nil, s.diskFull(ctx, err)
	case closeErr != nil:
		return nil, s.diskFull(ctx, closeErr)
	}
	return in.sum.Sum(nil), nil
}

// writeStream sends the source in stretches, each of which ends with a sync and, but for the last, a checkpoint.
func (s *Session) writeStream(u Upload, f *sftp.File, in *flow) error {
	for {
		if u.Save != nil {
			in.stretch(u.CheckpointBytes, u.CheckpointEvery)
		}
		if err := s.writeFlow(u, f, in); err != nil || in.err != nil {
			return err
		}
		synced := u
		synced.Size = in.sent
		if err := s.sync(synced, f); err != nil || in.ended {
			return err
		}
		if in.err = in.mark(u.Save); in.err != nil {
			return nil
		}
	}
}

// writeFlow sends a stretch of the source: see write.
func (s *Session) writeFlow(u Upload, f *sftp.File, in *flow) error {
	limit := s.target.StallTimeout
	in.watch = s.watch(&watch{
		quiet: limit,
		most:  slowLimit(0) + windowBytes/slowest*time.Second,
		hung: func() error {
			return fmt.Errorf("put %s: no write was acknowledged for %v (stall_timeout)", printable(u.Temp), limit)
		},
	})
	begun := in.sent
	_, err := f.ReadFromWithConcurrency(in, s.inFlight(windowBytes))
	in.watch.stop()
	if in.err != nil {
		err = nil
	}
	err = s.wrap("put", u.Temp, err)
	s.noteLarge(f, begun, in.sent-begun, err)
	return err
}

// Read implements io.Reader. It returns what there is: a stream may be slow.
func (in *flow) Read(b []byte) (int, error) {
	in.watch.leave()
	defer in.watch.back()
	if in.err == nil {
		in.err = in.ctx.Err()
	}
	switch {
	case in.err != nil:
		return 0, in.err
	case in.ended || in.stretched():
		return 0, io.EOF
	}
	n, err := in.r.Read(b)
	in.sum.Write(b[:n])
	in.sent += int64(n)
	if in.progress != nil && n > 0 {
		in.progress(in.sent)
	}
	switch {
	case errors.Is(err, io.EOF):
		in.ended = true
		return n, io.EOF
	case err != nil:
		in.err = err
	}
	return n, err
}

// resumeStream brings the temp, the source and the hash to the mark. What lies above it in the temp is written again.
func (s *Session) resumeStream(u Upload, f *sftp.File, in *flow) error {
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
	if size < u.From.Offset { // a power cut there can do that
		return &Error{
			Op: "put", Destination: s.target.Name, Path: u.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of the %d that it has acknowledged, and the stream cannot be read again", size, u.From.Offset),
		}
	}
	if err := in.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.From.Hash); err != nil {
		in.err = fmt.Errorf("checkpoint: %w", err)
		return nil
	}
	if size > u.From.Offset {
		// A server that refuses does no harm, unless the temp is longer than the whole: the verification says so then.
		if err := s.do("put", u.Temp, func() error { return f.Truncate(u.From.Offset) }); Transient.is(err) {
			return err
		}
	}
	seeker, ok := in.r.(io.Seeker)
	if !ok {
		in.err = errors.New("resume: the source cannot seek")
		return nil
	}
	if _, in.err = seeker.Seek(u.From.Offset, io.SeekStart); in.err != nil {
		return nil
	}
	in.sent = u.From.Offset
	_, err = f.Seek(u.From.Offset, io.SeekStart) // asks nothing of the server
	return err
}
