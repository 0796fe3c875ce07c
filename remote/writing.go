package remote

import (
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
// acknowledged before a checkpoint is saved and before the file is closed.
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

	mu      sync.Mutex
	flying  int           // WRITEs that are not answered
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
		for _, of := range []*turns{&f.lane.ones, &f.lane.room} {
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

// all sends the source in stretches, each of which ends with its acknowledgement, and all but the last with a checkpoint.
func (w *writing) all() error {
	s, limit := w.session, w.session.target.StallTimeout
	pieces := make(chan *piece, readAhead)
	ctx, quit := context.WithCancel(w.in.ctx)
	defer quit()
	var reading sync.WaitGroup
	reading.Go(func() { w.read(ctx, pieces) })
	w.watch = s.watch(&watch{
		quiet: limit,
		most:  slowLimit(0) + laneWindow/slowest*time.Second,
		hung: func() error {
			return fmt.Errorf("put %s: no write was acknowledged for %v (stall_timeout)", printable(w.upload.Temp), limit)
		},
	})
	err := w.sendAll(pieces)
	quit()
	reading.Wait()
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

// readAhead is how many packets are read ahead of what is sent.
const readAhead = 1

// read reads the source, packet by packet, until it ends or ctx does.
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
		} else if err = w.drain(); err == nil {
			err = w.checkpoint(p.mark)
		}
		if err == nil && w.careful {
			err = w.drain()
		}
		if err != nil || w.local != nil {
			return err
		}
	}
}

// send sends a packet on the lane that has the least to do.
func (w *writing) send(p *piece) error {
	n, s := len(p.data), w.session
	f, err := w.choose()
	if err != nil {
		return err
	}
	if err := w.take(f.lane, &f.lane.room, n); err != nil || w.local != nil {
		return err
	}
	w.mu.Lock()
	err = w.err
	w.large = w.large || n > safeWrite
	w.flying++
	w.mu.Unlock()
	if err != nil {
		f.lane.room.give(n)
		return err
	}
	s.sends()
	_, err = f.lane.mux.post(p.write(f.handle, w.sent), func(reply []byte) {
		s.answered(f.lane, n)
		w.answered(n, parseStatus(reply))
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

// choose returns the file on the lane in use that has the least to do, and opens it on lanes that have come into use. It is
// not created there: where somebody has removed it meanwhile, that would make another file, with the last bytes only.
func (w *writing) choose() (openFile, error) {
	s := w.session
	f := w.files[0]
	if w.careful || !s.mayStripe(w.upload) {
		return f, nil
	}
	stripeFrom := int64(2 * s.window()) // so much has to be left of a file that is worth opening on another lane
	for _, l := range s.inUse() {
		at := slices.IndexFunc(w.files, func(f openFile) bool { return f.lane == l })
		if at < 0 && w.wanted >= stripeFrom {
			handle := ""
			if err := s.fly(l, w.upload.Temp, false, 0, openRequest("put", w.upload.Temp, openWrite, &handle)); err != nil {
				return f, err
			}
			at = len(w.files)
			w.files = append(w.files, openFile{l, handle})
		}
		if at >= 0 && l.room.inUse() < f.lane.room.inUse() {
			f = w.files[at]
		}
	}
	return f, nil
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
	w.session.fitLimit(l)
	local, err := w.session.turn(w.in.ctx, of, n)
	if local != nil {
		w.local = local
	}
	return err
}

// answered takes in the answer to a WRITE. The goroutine that reads for all calls it.
func (w *writing) answered(n int, err error) {
	w.mu.Lock()
	w.flying--
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
	for {
		w.mu.Lock()
		flying, err := w.flying, w.err
		w.mu.Unlock()
		if flying == 0 || err != nil {
			return err
		}
		select {
		case <-w.changed:
		case <-w.session.dead:
			return errGone
		}
	}
}

// checkpoint syncs what was written and saves the mark.
func (w *writing) checkpoint(m *Mark) error {
	s, f := w.session, w.files[0]
	if s.caps.Load().Fsync {
		w.watch.leave() // the request has a watch of its own
		err := s.settleSync(s.fly(f.lane, w.upload.Temp, true, m.Offset, syncRequest(f.handle)))
		w.watch.back()
		if err != nil {
			return err
		}
	}
	w.local = w.upload.Save(*m)
	return nil
}

// settleSync takes it for no failure that a server does not sync after all.
func (s *Session) settleSync(err error) error {
	if Unsupported.is(err) {
		s.note(func(c *Capabilities) { c.Fsync = false })
		return nil
	}
	return err
}
