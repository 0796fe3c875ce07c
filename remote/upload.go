package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	"github.com/pkg/sftp"
)

// Upload is one file to be sent.
type Upload struct {
	Temp     string           // remote path that is written
	Size     int64            // bytes that are expected of the source, or Unknown
	Progress func(sent int64) // called with the bytes handed to the connection so far, often; nil is fine

	// Save is called at each checkpoint of a long upload; nil makes none. An error ends the upload.
	Save func(Mark) error
	// From is a mark of an earlier attempt to go on from; the zero Mark begins anew.
	From Mark
	// A checkpoint is due after so many bytes or so much time; 0 is never.
	CheckpointBytes int64
	CheckpointEvery time.Duration
}

const (
	// windowBytes bounds what of one file is not acknowledged yet. It fills OpenSSH's window of 2 MiB twice, and more
	// gained nothing.
	windowBytes = 4 << 20
	// The same as a number of WRITEs, which differ in size from server to server.
	leastInFlight, mostInFlight = 16, 64
	// slowest is the rate in bytes per second at which what is in flight may arrive.
	slowest = 16 << 10
)

// inFlight returns how many WRITEs of pkg/sftp's are sent ahead of their acknowledgements. Where each goes in parts, it
// is the parts that count.
func (s *Session) inFlight(size int64) int {
	packet := s.limits.write()
	n := inFlight(size, packet)
	if part := int(s.mux.split.Load()); part > 0 {
		n = max(1, min(n, mostInFlight*part/packet))
	}
	return n
}

// inFlight returns how many WRITEs of a packet's size are sent ahead of their acknowledgements.
func inFlight(size int64, packet int) int {
	packets := (size + int64(packet) - 1) / int64(packet)
	return int(max(1, min(packets, max(leastInFlight, min(mostInFlight, windowBytes/int64(packet))))))
}

// Upload writes src to a temp at the server, which is created with the directories that it needs, or emptied where it
// is there, and returns the SHA-256 of what was sent. When it returns nil every write has been acknowledged, the file has
// been synced where the server offers that, and it is closed. After an error the temp holds something: it is the
// caller's to remove. The size is checked, not the content: see Verify. An error that is no *Error is that of the source.
//
// An upload that goes on from a mark needs a source that can seek. It never trusts the temp's size: what lies below the
// mark was acknowledged, what lies above it is written again. Where the temp is shorter than the mark, it begins anew.
func (s *Session) Upload(ctx context.Context, u Upload, src io.Reader) ([]byte, error) {
	if err := s.takeFiles(ctx, 1, "put", u.Temp); err != nil {
		return nil, err
	}
	defer s.handles.give(1)
	s.told.Delete(u.Temp)
	f, err := s.create(ctx, u.Temp, u.From.Offset > 0)
	if err != nil {
		return nil, err
	}
	in := newSource(ctx, src, u.Size, u.Progress)
	if u.From.Offset > 0 {
		err = s.resume(u, f, in)
	}
	if err == nil && in.err == nil {
		err = s.writeAll(u, f, in)
	}
	if err == nil && in.err == nil {
		err = s.lookBeforeClose(u.Temp, f)
	}
	closeErr := s.doSlow("close", u.Temp, in.size(), f.Close)
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

// lookBeforeClose asks for the size through the open handle, at a server that tells nothing of a file that is closed. It is
// what Verify has to go by there.
func (s *Session) lookBeforeClose(temp string, f *sftp.File) error {
	if s.caps.Load().Stat {
		return nil
	}
	err := s.do("stat", temp, func() error {
		fi, err := f.Stat()
		if err == nil {
			s.told.Store(temp, infoOf(fi))
		}
		return err
	})
	if Transient.is(err) {
		return err
	}
	return nil // one that tells nothing here either
}

// writeAll sends the source in stretches, each of which ends with a sync and, but for the last, a checkpoint.
func (s *Session) writeAll(u Upload, f *sftp.File, in *source) error {
	for {
		if u.Save != nil {
			in.stretch(u.CheckpointBytes, u.CheckpointEvery)
		}
		if err := s.write(u, f, in); err != nil || in.err != nil {
			return err
		}
		if err := s.sync(u.Temp, in.size(), f); err != nil || in.ended {
			return err
		}
		if in.err = in.mark(u.Save); in.err != nil {
			return nil
		}
	}
}

// sync makes what was written durable, where the server offers that.
func (s *Session) sync(temp string, size int64, f *sftp.File) error {
	if !s.caps.Load().Fsync {
		return nil
	}
	err := s.doSlow("sync", temp, size, f.Sync)
	if Unsupported.is(err) {
		s.note(func(c *Capabilities) { c.Fsync = false })
		return nil
	}
	return err
}

// create opens a temp for writing, emptied unless it is to be kept, and makes its directory when the server says that it
// is missing: asking first would cost a round trip for each file.
func (s *Session) create(ctx context.Context, temp string, keep bool) (*sftp.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if keep {
		flags = os.O_WRONLY | os.O_CREATE
	}
	var f *sftp.File
	open := func() (err error) {
		f, err = s.sftp.OpenFile(temp, flags)
		return err
	}
	err := s.do("put", temp, open)
	if Missing.is(err) || Refused.is(err) && s.isMissing(ctx, dirOf(temp)) {
		s.forgetDirs()
		if err := s.MkdirAll(ctx, dirOf(temp)); err != nil {
			return nil, err
		}
		if err = s.do("put", temp, open); Missing.is(err) {
			return nil, s.rootErrorOr(ctx, err)
		}
	}
	if err != nil {
		return nil, s.diskFull(ctx, err)
	}
	return f, nil
}

// write sends the source, or a stretch of it, or as much of it as there is: in.err tells. It is watched by what moves:
// acknowledgements that come in, data that goes out, and the source's next read, for which one of the writes in flight was acknowledged.
func (s *Session) write(u Upload, f *sftp.File, in *source) error {
	if u.Size == 0 {
		in.end()
		return nil
	}
	limit := s.target.StallTimeout
	in.watch = s.watch(&watch{
		quiet: limit,
		most:  slowLimit(0) + windowBytes/slowest*time.Second,
		hung: func() error {
			return fmt.Errorf("put %s: no write was acknowledged for %v (stall_timeout)", printable(u.Temp), limit)
		},
	})
	begun := in.sent
	_, err := f.ReadFromWithConcurrency(in, s.inFlight(in.expected()))
	in.watch.stop()
	if in.err != nil {
		err = nil
	}
	err = s.wrap("put", u.Temp, err)
	s.noteLarge(f, begun, in.sent-begun, err)
	return err
}

// fullBelow is the free room in bytes below which a failure is taken for that of a full disk.
const fullBelow = 1 << 20

// diskFull finds out whether a failure without a reason is a full disk: SFTP version 3 has no status for it.
func (s *Session) diskFull(ctx context.Context, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Kind != Refused || ctx.Err() != nil {
		return err
	}
	free, statErr := s.Free(ctx)
	if statErr != nil || free >= fullBelow {
		return err
	}
	full := *e
	full.Kind = DiskFull
	full.Err = fmt.Errorf("the server's disk is full (%d KiB free)", free>>10)
	full.Hint = hintFull
	return &full
}

// Free returns the bytes that the account may still write under the root; an error of kind Unsupported where the
// server does not tell.
func (s *Session) Free(ctx context.Context) (int64, error) {
	root := s.root()
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	silent := &Error{Op: "statvfs", Destination: s.target.Name, Path: root, Kind: Unsupported, Err: errors.New("the server does not tell its free space")}
	if !s.mux.has(extStatVFS) {
		return 0, silent
	}
	var v *sftp.StatVFS
	err := s.do("statvfs", root, func() (err error) {
		v, err = s.sftp.StatVFS(root)
		return err
	})
	if err != nil {
		return 0, err
	}
	free, told := room(v)
	if !told {
		return 0, silent
	}
	return free, nil
}

// room returns the bytes that are free by a server's figures. Some servers fill them with zeroes: told is false then.
func room(v *sftp.StatVFS) (free int64, told bool) {
	block := v.Frsize
	if block == 0 {
		block = v.Bsize
	}
	switch {
	case block == 0 || v.Blocks == 0:
		return 0, false
	case v.Files > 0 && v.Favail == 0:
		return 0, true // no inode is left: as full as full can be
	case v.Bavail > math.MaxInt64/block:
		return math.MaxInt64, true
	}
	return int64(block * v.Bavail), true
}
