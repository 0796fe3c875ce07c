package remote

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"
)

// Part is a stretch of a Patch: Length bytes at At, which are copied from From in the old file, or written where From is
// negative.
type Part struct{ At, Length, From int64 }

func (p Part) copied() bool { return p.From >= 0 }

// PartsOf returns parts that are all known from the beginning.
func PartsOf(parts ...Part) iter.Seq2[Part, error] {
	return func(yield func(Part, error) bool) {
		for _, p := range parts {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Patch is a temp that is made of what another file at the server holds, and of what is written to it.
type Patch struct {
	Old     string // remote path of that file
	OldSize int64  // that it has to have, in bytes
	Temp    string // remote path that is written: one that nothing was ever written to in another way
	Size    int64  // of the whole, in bytes
	// Parts come one behind the other, from the first byte to the last. The next may still have to be found out, for which the server is not
	// blamed. An error is the last that comes, and ends the Patch.
	Parts    iter.Seq2[Part, error]
	ModTime  time.Time
	Progress func(done int64) // called with the bytes that are there so far, often; nil is fine
}

var (
	// errNoCopy is for a server without copy-data.
	errNoCopy = errors.New("the server does not copy files")
	// errOneFile is for one that does not let both files be open.
	errOneFile = errors.New("the server lets one file be open at a time")
	// errOldChanged says that the file that was copied from is not, or was not all the time, the one that was expected.
	errOldChanged = errors.New("the file that it was to be copied from has changed")
)

// Patch makes a temp of what an old file at the server holds and of what is read from src, and returns how many bytes were
// written. What the server refuses to copy is written too, where there is a source. An error of kind Unsupported says that
// the server does not copy, one of kind Integrity that the temp has not the size that it should. A success proves
// nothing: OpenSSH says OK to copies that a full disk has cut short (sftp-server.c, process_extended_copy_data, up to 10.5),
// so the caller has to prove the content. After an error the temp holds something, and a connection that is given up may
// still copy to it: the next attempt needs another temp. An error that is no *Error is that of src, of Parts or of ctx.
func (s *Session) Patch(ctx context.Context, p Patch, src io.ReaderAt) (written int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if s.mux.extensions[extCopyData] != "1" {
		return 0, s.noCopy(p.Temp, errNoCopy)
	}
	if s.OpenFiles() == 1 {
		return 0, s.noCopy(p.Temp, errOneFile)
	}
	if err := s.takeFiles(ctx, 2, "copy", p.Temp); err != nil {
		return 0, err
	}
	defer s.handles.give(2)
	s.foreseeCommand() // which proves what is made
	s.told.Delete(p.Temp)
	s.proofs.Delete(p.Temp)
	w := &patching{session: s, patch: &p, src: src, lane: s.apart(ctx, p.Size), changed: make(chan struct{}, 1)}
	w.bound()
	if err = w.open(ctx); err == nil {
		err = w.close(w.fill(ctx))
	}
	if err != nil && w.local == nil {
		err = s.diskFull(ctx, err)
	}
	return w.written, err
}

func (s *Session) noCopy(temp string, why error) error {
	return &Error{Op: "copy", Destination: s.target.Name, Path: temp, Kind: Unsupported, Err: why}
}

// patching is a Patch under way. Requests are sent ahead of their answers, copies and WRITEs in the order of the file.
type patching struct {
	session   *Session
	patch     *Patch
	src       io.ReaderAt // nil: nothing can be written
	lane      *lane
	old, temp string // handles
	before    Info   // of the old file
	step      int64  // how much one request copies
	single    bool   // one request at a time
	watch     *watch
	written   int64
	local     error // of the source, the parts or ctx

	copies turns // in flight
	room   writeRoom

	mu      sync.Mutex
	flying  int   // requests that are not answered
	done    int64 // bytes that are acknowledged
	refused []Part
	lost    int64 // bytes of refused
	err     error // the first that ends it
	changed chan struct{}
}

// What is in flight of a Patch. WRITEs behind copies make sftp-server grow its buffer, which costs it more than the wait, so
// that they are bounded as on a lane; over a long line copies have to be many to fill it.
const (
	copiesNearby = 64
	copiesAfar   = 1024
)

// bound sets what may be in flight.
func (w *patching) bound() {
	s := w.session
	w.single = s.isCareful()
	w.step = copyStep
	if w.lane == &s.lane {
		w.step = copyStepShared
	}
	copies := copiesNearby
	if s.RoundTrip() >= laneFrom {
		copies = copiesAfar
	}
	w.copies.limit(copies)
	w.room.limit(firstWindow(s.window(), s.RoundTrip()))
}

// open opens both files, in one round trip.
func (w *patching) open(ctx context.Context) error {
	s, p := w.session, w.patch
	old := openRequest("copy", p.Old, openRead, &w.old)
	temp := openRequest("copy", p.Temp, openWrite|openCreate|openTruncate, &w.temp)
	opening := []*request{old, temp}
	err := s.inDir(ctx, dirOf(p.Temp), func() error {
		_ = s.fly(w.lane, p.Temp, false, 0, opening...) // each request has its own error
		opening = []*request{temp}
		if old.err != nil { // which no directory mends
			return nil
		}
		return temp.err
	})
	if lost := firstTransient(old.err, temp.err); lost != nil {
		return lost
	}
	if old.err != nil {
		err = old.err
	}
	if err != nil {
		return w.close(err)
	}
	return nil
}

// firstTransient returns the error of a lost connection, if one of them is that.
func firstTransient(errs ...error) error {
	for _, err := range errs {
		if Transient.is(err) {
			return err
		}
	}
	return nil
}

func (w *patching) oldChanged() error {
	return &Error{Op: "copy", Destination: w.session.target.Name, Path: w.patch.Old, Kind: Refused, Err: errOldChanged}
}

// fill makes all parts, and writes what of them is refused.
func (w *patching) fill(ctx context.Context) error {
	s, limit := w.session, w.session.target.StallTimeout
	w.watch = s.watch(&watch{
		quiet: slowQuiet(w.step, limit), most: slowLimit(w.patch.Size), slow: true,
		hung: func() error {
			return fmt.Errorf("copy %s: nothing was acknowledged for %v (stall_timeout, and more for its size)", printable(w.patch.Temp), slowQuiet(w.step, limit))
		},
	})
	defer w.watch.stop()
	err := w.look()
	if err == nil {
		err = w.make(ctx, w.patch.Parts)
	}
	if err == nil && len(w.refused) > 0 { // nothing is in flight
		again := w.refused
		for i := range again {
			again[i].From = -1
		}
		err = w.make(ctx, PartsOf(again...))
	}
	if w.local != nil {
		return w.local
	}
	return s.wrap("copy", w.patch.Temp, err)
}

// look asks what the old file is. The copies follow at once: what is made of another file is thrown away.
func (w *patching) look() error {
	look := statRequest(packetFstat, w.old, &w.before)
	if err := w.begin(); err != nil {
		return err
	}
	_, err := w.lane.mux.post(requestPacket(look.kind, 0, look.body), func(reply []byte) {
		err := look.take(reply)
		if err == nil && w.before.Size != w.patch.OldSize {
			err = w.oldChanged()
		}
		w.answered(Part{From: -1}, err)
	})
	if err == nil && w.single {
		err = w.drain()
	}
	return err
}

// make asks for parts as they come, and waits until all of it is answered.
func (w *patching) make(ctx context.Context, parts iter.Seq2[Part, error]) error {
	w.watch.leave() // nobody is to blame for how long the next part takes
	for p, err := range parts {
		w.watch.back()
		if w.local = err; err == nil {
			err = w.part(ctx, p)
		}
		if err != nil {
			_ = w.drain() // what is in flight is answered before the files are closed
			return err
		}
		w.watch.leave()
	}
	w.watch.back()
	return w.drain()
}

// part asks for one part. An error of the local side is in local too.
func (w *patching) part(ctx context.Context, p Part) error {
	for p.Length > 0 {
		var n int64
		var err error
		if p.copied() {
			n = min(p.Length, w.step)
			err = w.copy(ctx, Part{p.At, n, p.From})
			p.From += n
		} else {
			n, err = w.write(ctx, p)
		}
		if err == nil && w.single {
			err = w.drain()
		}
		if err = cmp.Or(err, w.local); err != nil {
			return err
		}
		p.At, p.Length = p.At+n, p.Length-n
		w.tell()
	}
	return nil
}

// take waits for turns. That its end was asked for meanwhile is in local.
func (w *patching) take(ctx context.Context, t *turns, n int) error {
	local, err := w.session.turn(ctx, t, n)
	if local != nil {
		w.local = local
	}
	return err
}

// begin counts a request that is about to be sent, unless something has failed already.
func (w *patching) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.flying++
	}
	return w.err
}

// copy asks for one copy.
func (w *patching) copy(ctx context.Context, p Part) error {
	if err := w.take(ctx, &w.copies, 1); err != nil || w.local != nil {
		return err
	}
	if err := w.begin(); err != nil {
		w.copies.give(1)
		return err
	}
	body := appendString(appendString(nil, extCopyData), w.old)
	body = binary.BigEndian.AppendUint64(body, uint64(p.From))
	body = binary.BigEndian.AppendUint64(body, uint64(p.Length)) // never 0, which means all there is
	body = binary.BigEndian.AppendUint64(appendString(body, w.temp), uint64(p.At))
	_, err := w.lane.mux.post(requestPacket(packetExtended, 0, body), func(reply []byte) {
		w.copies.give(1)
		w.answered(p, parseStatus(reply))
	})
	return err
}

// write sends the beginning of a part, as much as goes in one WRITE, and returns how much that was.
func (w *patching) write(ctx context.Context, p Part) (int64, error) {
	s := w.session
	size := min(pacedPiece(s.limit(), s.packet.Load()), int64(w.room.bound()/4), p.Length)
	if w.single || !s.caps.Load().LargeWrites {
		size = min(size, safeWrite)
	}
	n := int(max(size, min(p.Length, leastPiece)))
	piece := newPiece(n)
	defer piece.free()
	if m, err := w.src.ReadAt(piece.data, p.At); m < n {
		w.local = notEnd(err)
		return 0, nil
	}
	w.watch.leave() // nobody is to blame for a limit
	err := s.await(ctx, n)
	w.watch.back()
	if err != nil {
		if !errors.Is(err, errGone) {
			w.local, err = err, nil
		}
		return 0, err
	}
	s.fitLimit(&w.room)
	if err := w.take(ctx, &w.room.turns, n); err != nil || w.local != nil {
		return 0, err
	}
	if err := w.begin(); err != nil {
		w.room.give(n)
		return 0, err
	}
	w.written += int64(n)
	_, err = w.lane.mux.post(piece.write(w.temp, p.At), func(reply []byte) {
		w.room.answered(n, s.RoundTrip(), s.window())
		w.answered(Part{p.At, int64(n), -1}, parseStatus(reply))
	})
	return int64(n), err
}

// close looks at both files once more, and syncs and closes them, in one round trip; after an error it only closes them.
func (w *patching) close(err error) error {
	s, p := w.session, w.patch
	var closing []*request
	for _, handle := range []string{w.temp, w.old} {
		if handle != "" {
			closing = append(closing, closeRequest(handle))
		}
	}
	if err != nil || w.local != nil {
		if len(closing) > 0 && s.Err() == nil {
			_ = s.fly(w.lane, p.Temp, true, p.Size, closing...) // what has failed before counts
		}
		return err
	}
	var after, made Info
	caps := s.caps.Load()
	s.foreseeCommand() // should the other one have been closed meanwhile
	look, size := statRequest(packetFstat, w.old, &after), statRequest(packetFstat, w.temp, &made)
	requests := []*request{look}
	var syncing, times *request
	if caps.SetTimes && isTime(p.ModTime) && !s.lateTimes.Load() {
		times = timesRequest(w.temp, p.ModTime)
		requests = append(requests, times)
	}
	if caps.Fsync {
		syncing = syncRequest(w.temp)
		requests = append(requests, syncing)
	}
	requests = append(append(requests, size), closing...)
	most := len(requests)
	if w.single {
		most = 1
	}
	for flight := range slices.Chunk(requests, most) {
		if err := s.fly(w.lane, p.Temp, true, p.Size, flight...); Transient.is(err) {
			return err
		}
	}
	if times != nil && times.err != nil {
		s.lateTimes.Store(true) // by its handle, at least: by its name it may do
	}
	if syncing != nil {
		if err := s.settleSync(syncing.err); err != nil {
			return err
		}
	}
	switch {
	case look.err != nil:
		return look.err
	case size.err != nil:
		return size.err
	case closing[0].err != nil:
		return closing[0].err
	case after.Size != w.before.Size || !after.ModTime.Equal(w.before.ModTime):
		return w.oldChanged()
	case made.Size != p.Size:
		return &Error{
			Op: "copy", Destination: s.target.Name, Path: p.Temp, Kind: Integrity,
			Err: fmt.Errorf("the server has %d bytes of %d, and says that it has copied all of them", made.Size, p.Size),
		}
	}
	if !caps.Stat {
		s.told.Store(p.Temp, made)
	}
	return nil
}
