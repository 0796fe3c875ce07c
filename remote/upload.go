package remote

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/pkg/sftp"
)

// Upload is one file to be sent.
type Upload struct {
	Temp     string           // remote path that is written
	Size     int64            // bytes that are expected of the source
	Progress func(sent int64) // called with the bytes handed to the connection so far, often; nil is fine
}

// errShortTransfer says that a file ended before its size, or went on after it.
var errShortTransfer = errors.New("the file's size changed while it was read")

const (
	// writesInFlight bounds the packets of one file that are not acknowledged yet: 16 packets of 255 KiB fill OpenSSH's
	// window of 2 MiB twice, and more gained nothing.
	writesInFlight = 16
	// slowest is the rate in bytes per second below which waiting for the last acknowledgements counts as a stall.
	slowest = 16 << 10
)

// Upload writes src to a temp at the server, which is created with the directories that it needs, or emptied where it
// is there, and returns the SHA-256 of what was sent. When it returns nil every write has been acknowledged, the file has
// been synced where the server offers that, and it is closed. After an error the temp holds something: it is the
// caller's to remove. The size is checked, not the content: see Verify.
func (s *Session) Upload(ctx context.Context, u Upload, src io.Reader) ([]byte, error) {
	f, err := s.create(ctx, u.Temp)
	if err != nil {
		return nil, err
	}
	in := &source{ctx: ctx, r: src, sum: sha256.New(), progress: u.Progress, left: u.Size}
	err = s.write(u, f, in)
	if err == nil && s.caps.Load().Fsync {
		if err = s.do("sync", u.Temp, slowLimit(u.Size), f.Sync); KindOf(err) == Unsupported && err != nil {
			s.note(func(c *Capabilities) { c.Fsync = false })
			err = nil
		}
	}
	closeErr := s.do("close", u.Temp, slowLimit(u.Size), f.Close)
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

// create opens a temp for writing, and makes its directory when the server says that it is missing: asking first would
// cost a round trip for each file.
func (s *Session) create(ctx context.Context, temp string) (*sftp.File, error) {
	var f *sftp.File
	open := func() (err error) {
		f, err = s.sftp.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		return err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	err := s.do("put", temp, 0, open)
	if err != nil && KindOf(err) == Missing {
		s.forgetDirs()
		if err := s.MkdirAll(ctx, dirOf(temp)); err != nil {
			return nil, err
		}
		err = s.do("put", temp, 0, open)
		if err != nil && KindOf(err) == Missing {
			return nil, s.rootErrorOr(ctx, err)
		}
	}
	if err != nil {
		return nil, s.diskFull(ctx, err)
	}
	return f, nil
}

// write sends the whole source. The library gives no sign of acknowledged writes but the next read of the source, which
// comes when one of the writes in flight was acknowledged: that feeds the watch on progress.
func (s *Session) write(u Upload, f *sftp.File, in *source) error {
	if u.Size == 0 {
		return in.mustEnd()
	}
	limit := s.target.StallTimeout
	watch := time.AfterFunc(limit, func() {
		s.kill(fmt.Errorf("put %s: no write was acknowledged for %v (stall_timeout)", u.Temp, limit))
	})
	defer watch.Stop()
	tail := limit + time.Duration(min(u.Size, writesInFlight*maxWrite)/slowest)*time.Second
	in.moved = func() {
		if in.left > 0 {
			watch.Reset(limit)
		} else {
			watch.Reset(tail)
		}
	}
	n, err := f.ReadFromWithConcurrency(in, writesInFlight)
	if err != nil {
		return s.wrap("put", u.Temp, err)
	}
	if n != u.Size && in.err == nil {
		in.err = errShortTransfer
	}
	return nil
}

// source hashes and counts what is read, ends at the expected size, and keeps an error of the local side apart from
// those of the connection.
type source struct {
	ctx      context.Context //nolint:containedctx // an io.Reader has no other way to hear of its end
	r        io.Reader
	sum      hash.Hash
	progress func(int64)
	moved    func()
	sent     int64
	left     int64
	err      error
}

// Read implements io.Reader. Its error ends the upload.
func (in *source) Read(b []byte) (int, error) {
	if in.err = in.ctx.Err(); in.err != nil {
		return 0, in.err
	}
	if in.left == 0 {
		if err := in.mustEnd(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	n, err := io.ReadFull(in.r, b[:min(int64(len(b)), in.left)])
	in.sum.Write(b[:n])
	in.sent += int64(n)
	in.left -= int64(n)
	in.moved()
	if in.progress != nil {
		in.progress(in.sent)
	}
	switch {
	case err == nil:
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		in.err = errShortTransfer
	default:
		in.err = err
	}
	return n, in.err
}

// mustEnd says that the source goes on after its expected size.
func (in *source) mustEnd() error {
	var one [1]byte
	n, err := in.r.Read(one[:])
	if n > 0 {
		in.err = errShortTransfer
	} else if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return in.err
}

// diskFull finds out whether a failure without a reason is a full disk: SFTP version 3 has no status for it.
func (s *Session) diskFull(ctx context.Context, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != Refused || !s.caps.Load().StatVFS || ctx.Err() != nil {
		return err
	}
	free, statErr := s.Free(ctx)
	if statErr != nil || free >= 1<<20 {
		return err
	}
	full := *e
	full.Kind = DiskFull
	full.Err = fmt.Errorf("the server's disk is full (%d KiB free)", free>>10)
	full.Hint = "make room at the server, or ask its owner to; delivery goes on by itself"
	return &full
}

// Free returns the bytes that the account may still write under the root; an error of kind Unsupported where the
// server does not tell.
func (s *Session) Free(ctx context.Context) (int64, error) {
	root := s.root()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if !s.has(extStatVFS) {
		return 0, &Error{Op: "statvfs", Destination: s.target.Name, Path: root, Kind: Unsupported, Err: sftp.ErrSSHFxOpUnsupported}
	}
	var free int64
	err := s.do("statvfs", root, 0, func() error {
		v, err := s.sftp.StatVFS(root)
		if err == nil {
			free = int64(v.Frsize * v.Bavail)
			if v.Files > 0 && v.Favail == 0 {
				free = 0 // no inode is left: as full as full can be
			}
		}
		return err
	})
	return free, err
}

// SetModTime sets a file's modification time. A server that refuses is remembered and not asked again: it is no
// failure of the delivery.
func (s *Session) SetModTime(ctx context.Context, name string, at time.Time) error {
	if !s.caps.Load().SetTimes {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.do("set time", name, 0, func() error { return s.sftp.Chtimes(name, at, at) })
	if k := KindOf(err); err != nil && (k == Permission || k == Unsupported || k == Refused) {
		s.note(func(c *Capabilities) { c.SetTimes = false })
		return nil
	}
	return err
}
