package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/pkg/sftp"
)

// Upload is one file to be sent.
type Upload struct {
	Temp     string           // remote path that is written
	Size     int64            // bytes that are expected of the source, or Unknown
	Progress func(sent int64) // called with the bytes handed to the connection so far, often; nil is fine

	// ModTime is set before the file is closed, where the server lets that; zero leaves it to the server. Some servers set
	// another when they close a file: what Verify finds tells.
	ModTime time.Time

	// Proved says that the content of the temp is going to be proved before anything is made of it: a server that has not
	// shown yet that it bears one file on several channels may be tried with this one.
	Proved bool

	// Careful asks for one thing at a time of the file, with 32 KiB in a WRITE: the server has refused it otherwise, without
	// a reason.
	Careful bool

	// Tap is shown what is read of the source, and where that stands in it; nil is fine. An upload that goes on begins at its
	// mark, and one that begins anew at 0 again. It is called by one goroutine at a time, and must not keep what it is shown.
	Tap func(at int64, b []byte)

	// Look is a remote path that is looked at in the round trip in which the temp is opened; "" is none. Seen is told what
	// stands there, nil where nothing does, before a byte is sent; of what the server refuses to tell of, the size is Untold.
	// Its error ends the upload, which removes the temp.
	Look string
	Seen func(*Info) error

	// Save is called at each checkpoint of a long upload, beside what else is called here and by another goroutine; nil makes
	// none. It is called with the zero Mark where an upload begins anew that had one to go on from. An error ends the upload.
	Save func(Mark) error
	// From is a mark of an earlier attempt to go on from; the zero Mark begins anew.
	From Mark
	// A checkpoint is due after so many bytes or so much time; 0 is never.
	CheckpointBytes int64
	CheckpointEvery time.Duration
}

// Untold is the size of a file of which the server tells none.
const Untold int64 = -1

// slowest is the rate in bytes per second at which what is in flight may arrive.
const slowest = 16 << 10

// Upload writes src to a temp at the server, which is created with the directories that it needs, or emptied where it
// is there, and returns the SHA-256 of what was sent. When it returns nil every write has been acknowledged, the file has
// been synced where the server offers that, and it is closed. After an error the temp holds something: it is the
// caller's to remove. The size is checked, not the content: see Verify. An error that is no *Error is that of the source,
// or of Save or Seen.
//
// An upload that goes on from a mark needs a source that can seek. It never trusts the temp's size: what lies below the
// mark was acknowledged, what lies above it is written again. Where the temp is gone, or shorter than the mark, it begins
// anew; where it is longer than the whole, the error is of kind Integrity.
//
// What fits into one WRITE goes in two round trips: one opens the temp, one writes, syncs and closes it, and reads it back where that
// proves it: see echo. Anything longer is
// written ahead of its acknowledgements, and is synced and closed once all of them are there.
func (s *Session) Upload(ctx context.Context, u Upload, src io.Reader) ([]byte, error) {
	if err := s.takeFiles(ctx, 1, "put", u.Temp); err != nil {
		return nil, err
	}
	defer s.handles.give(1)
	defer s.begins()()
	s.told.Delete(u.Temp)
	s.proofs.Delete(u.Temp)
	w := &writing{session: s, upload: &u, careful: u.Careful || s.isCareful(), in: newSource(ctx, src, u.Size), changed: make(chan struct{}, 1)}
	w.in.tap = u.Tap
	w.wants(max(w.in.size(), leastDemand))
	defer func() { w.wants(-w.wanted) }()
	if u.Proved && !w.mayEcho() {
		s.hash.sending.Add(1)
		defer s.hash.sending.Add(-1)
	}
	l, done := s.assign(ctx, max(w.in.size(), leastDemand))
	defer done()
	begun, err := w.goOn(l)
	if err == nil && w.local == nil && !begun {
		err = w.create(ctx, l)
	}
	if err == nil && w.local == nil {
		err = w.run()
	}
	switch {
	case w.failed() != nil: // the local side is why
		return nil, w.failed()
	case err != nil:
		return nil, s.diskFull(ctx, err)
	}
	return w.in.sum.Sum(nil), nil
}

// create opens the temp of an upload that has not been opened to go on.
func (w *writing) create(ctx context.Context, l *lane) error {
	flags := uint32(openWrite | openCreate | openTruncate)
	if w.echoes = w.mayEcho(); w.echoes {
		flags |= openRead
	}
	handle, err := w.session.create(ctx, l, w.upload, flags)
	if w.echoes && refusal(err) { // maybe reading is why
		w.session.small.Store(0)
		w.echoes = false
		handle, err = w.session.create(ctx, l, w.upload, flags&^openRead)
	}
	if err == nil {
		w.files = []openFile{{l, handle}}
	}
	return err
}

// create opens a temp for writing, emptied, and makes its directory when the server says that it is missing: asking first
// would cost a round trip for each file.
func (s *Session) create(ctx context.Context, l *lane, u *Upload, flags uint32) (handle string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	open := openRequest("put", u.Temp, flags, &handle)
	tried, seen := false, error(nil)
	err = s.inDir(ctx, dirOf(u.Temp), func() (err error) {
		if tried { // what stands at the other name is known
			return s.fly(l, u.Temp, false, 0, open)
		}
		tried = true
		seen, err = s.openAndLook(l, u, open)
		return err
	})
	if Missing.is(err) {
		return "", s.rootErrorOr(ctx, err)
	}
	if err != nil {
		return "", s.diskFull(ctx, err)
	}
	if seen == nil {
		return handle, nil
	}
	// What stands at the final name is no matter of this upload.
	if err := s.fly(l, u.Temp, false, 0, closeRequest(handle)); Transient.is(err) {
		return "", err
	}
	if err := s.Remove(ctx, u.Temp); Transient.is(err) {
		return "", err
	}
	return "", seen
}

// openAndLook opens the temp, and looks at another name in the same round trip where that is asked for. seen is what is
// said of it.
func (s *Session) openAndLook(l *lane, u *Upload, open *request) (seen, err error) {
	if u.Look == "" {
		return nil, s.fly(l, u.Temp, false, 0, open)
	}
	var info Info
	look := statRequest(packetLstat, u.Look, &info)
	if err := s.fly(l, u.Temp, false, 0, look, open); Transient.is(err) {
		return nil, err
	}
	switch {
	case Missing.is(look.err):
		seen = u.Seen(nil)
	case look.err != nil: // the server does not let us look
		seen = u.Seen(&Info{Size: Untold})
	default:
		seen = u.Seen(&info)
	}
	return seen, open.err
}

// fullBelow is the free room in bytes below which a failure is taken for that of a full disk.
const fullBelow = 1 << 20

// What errors of kind DiskFull say.
const (
	wordsFull   = "the server's disk is full"
	wordsNoRoom = "the server has no room"
)

// SaysFull tells whether the text of an error, as somebody has written it down, is that of a full disk.
func SaysFull(text string) bool {
	return strings.Contains(text, wordsFull) || strings.Contains(text, wordsNoRoom)
}

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
	full.Err = fmt.Errorf(wordsFull+" (%d KiB free)", free>>10)
	full.Hint = hintFull
	return &full
}

// Fits returns an error of kind DiskFull where the server says that it has no room for a file of the size. What it does not
// tell is no error.
func (s *Session) Fits(ctx context.Context, name string, size int64) error {
	free, err := s.Free(ctx)
	switch {
	case ctx.Err() != nil || Transient.is(err):
		return err
	case err != nil || free > size:
		return nil
	}
	return &Error{
		Op: "put", Destination: s.target.Name, Path: name, Kind: DiskFull, Hint: hintFull,
		Err: fmt.Errorf(wordsFull+": %d KiB free, %d wanted", free>>10, size>>10),
	}
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
