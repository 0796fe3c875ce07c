package remote

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// openFile is a file that is open for writing, on one lane.
type openFile struct {
	lane   *lane
	handle string
}

// writing is an upload from the moment at which its temp is open to that at which it is closed. Its source is read and
// hashed ahead of what is sent; WRITEs are sent ahead of their acknowledgements, over one lane or more. All of them are
// acknowledged before the file is closed, and those below a checkpoint before that is saved.
type writing struct {
	session *Session
	upload  *Upload
	careful bool // see Upload.Careful
	echoes  bool // the temp was opened to be read back, too
	in      *source
	files   []openFile // one for each lane; what is asked of the whole file is asked of the first
	watch   *watch
	local   error // of the local side, but for the source's own: its end was asked for, or the checkpoint was not saved
	wanted  int64 // see Session.demands
	sent    int64 // to where the source was handed to the connection

	saving chan saved // of the checkpoint under way; nil where there is none

	mu      sync.Mutex
	flying  int           // WRITEs that are not answered
	since   *stretch      // those since the last checkpoint
	acked   bool          // one that is larger than every server takes was acknowledged
	large   bool          // one was sent
	err     error         // the first refusal
	changed chan struct{} // holds a token when one was answered
}

// run writes, syncs and closes. failed has an error of the local side, which comes before whatever is returned.
func (w *writing) run() error {
	if w.upload.From.Offset > 0 {
		if err := w.resume(); err != nil || w.local != nil {
			return w.close(err)
		}
	}
	if w.isOne() {
		return w.one()
	}
	return w.close(w.all())
}

// isOne tells whether everything goes in one WRITE. Where the size is to be asked for before the close, the WRITE has to be
// answered first.
func (w *writing) isOne() bool {
	s, u := w.session, w.upload
	return !w.careful && u.Size != Unknown && w.in.read == 0 && u.Size <= pacedPiece(s.limit(), s.packet.Load()) && s.caps.Load().Stat
}

// one sends the whole file together with what follows it.
func (w *writing) one() error {
	s, in, f := w.session, w.in, w.files[0]
	var requests []*request
	var sent []byte
	if in.left > 0 {
		p := newPiece(int(in.left))
		if _, err := in.fill(p.data); err != nil {
			return w.close(nil)
		}
		if err := w.await(in.ctx, p); w.failed() != nil {
			return w.close(nil)
		} else if err != nil {
			return w.close(s.wrap("put", w.upload.Temp, err))
		}
		for _, of := range []*turns{&f.lane.ones, &f.lane.room.turns} {
			if err := w.take(f.lane, of, len(p.data)); err != nil || w.local != nil {
				return w.close(s.wrap("put", w.upload.Temp, err))
			}
			defer of.give(len(p.data))
		}
		requests = append(requests, &request{op: "put", packet: p.write(f.handle, 0)})
		sent = p.data
	}
	if in.end(); in.err != nil {
		return w.close(nil)
	}
	var back *echo
	if w.echoes && s.await(in.ctx, len(sent)) == nil {
		back = newEcho(f.handle, sent)
	}
	err := w.finish(back, requests...)
	if err == nil {
		w.told(in.read)
	}
	w.large, w.acked = in.read > safeWrite, in.read > safeWrite && err == nil
	s.noteLarge(w, err)
	return err
}

// all sends the source in stretches, all but the last of which end with a checkpoint, which is made while the next one is sent.
func (w *writing) all() error {
	s, limit, size := w.session, w.session.target.StallTimeout, w.in.size()
	pieces := make(chan *piece)
	ctx, quit := context.WithCancel(w.in.ctx)
	defer quit()
	var reading sync.WaitGroup
	reading.Go(func() { w.read(ctx, pieces) })
	w.watch = s.watch(&watch{
		quiet: limit,
		most:  slowLimit(size) + laneWindow/slowest*time.Second, // the sync of a checkpoint may take as long
		hung: func() error {
			return fmt.Errorf("put %s: no write was acknowledged for %v (stall_timeout)", printable(w.upload.Temp), limit)
		},
	})
	err := w.sendAll(pieces)
	quit()
	reading.Wait()
	if savedErr := w.awaitSaved(); err == nil {
		err = savedErr
	}
	w.watch.stop()
	if err == nil && w.failed() == nil && !w.in.ended { // a piece has waited for its turn until the end of one or the other
		if w.local = w.in.ctx.Err(); w.local == nil {
			err = errGone
		}
	}
	err = s.wrap("put", w.upload.Temp, err)
	s.noteLarge(w, err)
	if err == nil && w.failed() == nil {
		w.noteRefusals(w.in.read > safeWrite)
	}
	return err
}

// read reads the source, packet by packet and one ahead of what is sent, until it ends or ctx does.
func (w *writing) read(ctx context.Context, pieces chan<- *piece) {
	defer close(pieces)
	for {
		size := w.session.pieceSize()
		if w.careful {
			size = min(size, safeWrite)
		}
		p := w.in.next(size, w.upload)
		if p == nil || w.await(ctx, p) != nil {
			return
		}
		select {
		case pieces <- p:
		case <-ctx.Done():
			return
		}
	}
}

// sendAll sends what is read, until all of it is acknowledged.
func (w *writing) sendAll(pieces <-chan *piece) error {
	for {
		w.watch.leave()
		p, more := <-pieces
		w.watch.back()
		if !more {
			return w.drain()
		}
		var err error
		if p.mark == nil {
			err = w.send(p)
		} else {
			err = w.save(p.mark)
		}
		if err == nil && w.careful {
			err = w.drain()
		}
		if err == nil {
			err = w.lookSaved()
		}
		if err != nil || w.local != nil {
			return err
		}
	}
}

// send sends a packet on the lane that has room for it first: of those that have some, on the one that has the least to do.
func (w *writing) send(p *piece) error {
	n, s := len(p.data), w.session
	files, err := w.choose()
	if err != nil {
		return err
	}
	f, err := w.takeFirst(files, n)
	if err != nil || w.local != nil {
		return err
	}
	w.mu.Lock()
	err = w.err
	w.large = w.large || n > safeWrite
	w.flying++
	if w.since == nil {
		w.since = newStretch()
	}
	of := w.since
	of.flying++
	w.mu.Unlock()
	if err != nil {
		f.lane.room.give(n)
		return err
	}
	s.sends()
	_, err = f.lane.mux.post(p.write(f.handle, w.sent), func(reply []byte) {
		s.answered(f.lane, n)
		w.answered(of, n, parseStatus(reply))
	})
	p.free()
	if err == nil {
		w.told(w.sent + int64(n))
		w.wants(-int64(n))
	}
	return err
}

// wants notes that n more bytes are to be sent, or less.
func (w *writing) wants(n int64) {
	w.wanted += n
	w.session.demands(n)
}

// choose returns the file on the lanes in use, those first that have the least to do, and opens it on lanes that have come into use.
func (w *writing) choose() ([]openFile, error) {
	s := w.session
	if w.careful || !s.mayStripe(w.upload) {
		return w.files[:1], nil
	}
	used := s.inUse()
	if err := w.openOn(used); err != nil {
		return nil, err
	}
	files := w.files[:1:1]
	for _, f := range w.files[1:] {
		if slices.Contains(used, f.lane) {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b openFile) int { return cmp.Compare(a.lane.room.inUse(), b.lane.room.inUse()) })
	return files, nil
}

// openOn opens the file on lanes on which it is not, as far as enough of it is left to be worth it. It is not
// created there: where somebody has removed it meanwhile, that would make another file, with the last bytes only.
func (w *writing) openOn(lanes []*lane) error {
	s := w.session
	worth := w.wanted / int64(2*s.window())
	var missing []*lane
	for _, l := range lanes {
		isOpen := slices.ContainsFunc(w.files, func(f openFile) bool { return f.lane == l })
		if !isOpen && int64(len(w.files)+len(missing)) <= worth {
			missing = append(missing, l)
		}
	}
	errs := make([]error, len(missing))
	handles := make([]string, len(missing))
	var opening sync.WaitGroup
	for i, l := range missing {
		opening.Go(func() {
			errs[i] = s.fly(l, w.upload.Temp, false, 0, openRequest("put", w.upload.Temp, openWrite, &handles[i]))
		})
	}
	opening.Wait()
	for i, l := range missing {
		if errs[i] == nil {
			w.files = append(w.files, openFile{l, handles[i]})
		}
	}
	return cmp.Or(errs...)
}

// told tells how far the source was handed to the connection.
func (w *writing) told(sent int64) {
	w.sent = sent
	if w.upload.Progress != nil {
		w.upload.Progress(sent)
	}
}

// take waits until n bytes may be in flight on a lane, of all that are or of some. That its end was asked for meanwhile is in local.
func (w *writing) take(l *lane, of *turns, n int) error {
	w.session.fitLimit(&l.room)
	local, err := w.session.turn(w.in.ctx, of, n)
	if local != nil {
		w.local = local
	}
	return err
}

// takeFirst waits until n bytes may be in flight on the lane of one of several files, and returns that.
func (w *writing) takeFirst(files []openFile, n int) (openFile, error) {
	rooms := make([]*turns, len(files))
	for i, f := range files {
		w.session.fitLimit(&f.lane.room)
		rooms[i] = &f.lane.room.turns
	}
	room, local, err := w.session.firstTurn(w.in.ctx, rooms, n)
	if local != nil {
		w.local = local
	}
	if room == nil {
		return openFile{}, err
	}
	return files[slices.Index(rooms, room)], nil
}

// answered takes in the answer to a WRITE. The goroutine that reads for all calls it.
func (w *writing) answered(of *stretch, n int, err error) {
	w.mu.Lock()
	w.flying--
	of.answered()
	w.acked = w.acked || err == nil && n > safeWrite
	if w.err == nil {
		w.err = err
	}
	w.mu.Unlock()
	if w.watch != nil {
		w.watch.own.touch()
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// drain waits until every WRITE is acknowledged, or one is refused.
func (w *writing) drain() error {
	return w.session.drain(w.changed, func() (flying int, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.flying, w.err
	})
}

// drain waits until no request is in flight any more, or one has failed that ends it all, as left says. That is asked again with
// each token of changed.
func (s *Session) drain(changed <-chan struct{}, left func() (flying int, err error)) error {
	for {
		if flying, err := left(); flying == 0 || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-s.dead:
			return errGone
		}
	}
}

// settleSync takes it for no failure that a server does not sync after all.
func (s *Session) settleSync(err error) error {
	if Unsupported.is(err) {
		s.note(func(c *Capabilities) { c.Fsync = false })
		return nil
	}
	return err
}
