package remote

import (
	"fmt"
	"sync"
	"time"
)

// slowLimit bounds requests that work through a whole file at the server: fsync, close, hash.
func slowLimit(size int64) time.Duration {
	return 10*time.Minute + time.Duration(size/(20<<20))*time.Second
}

// slowQuiet is for how long a server may answer nothing while it works through a file: a small one takes no longer than any
// other request, and of a large one as much as a slow disk may have to be written.
func slowQuiet(size int64, stall time.Duration) time.Duration {
	return min(slowLimit(size), stall+time.Duration(size/(1<<20))*time.Second)
}

// watch ends the session when a request hangs, since nothing else frees it. A server's sftp process can hang while its
// sshd still answers keepalives, so the pulse alone does not find out.
//
// A request hangs when nothing has moved for a while, not when it takes long: on a slow line it waits behind the data
// that is in flight, up to the channel's window of 2 MiB. A server that works in order answers nothing while it syncs a
// file either, so that a slow request under way lends its time to the others.
type watch struct {
	session *Session
	hung    func() error  // what to say of the request, and learned of it; called where it is to blame, once for a session
	first   func() bool   // whether all that was sent before has been answered; nil for most, which are not asked
	quiet   time.Duration // longest time in which nothing moves on the session
	most    time.Duration // longest time without progress of the request's own
	slow    bool          // works through a whole file at the server, in the SFTP channel; it lends its quiet time to all others
	own     *clock        // the request's own progress

	mu    sync.Mutex
	timer *time.Timer
	due   time.Time // when the timer is to fire
	away  bool      // busy on the local side: nothing is waited for
	over  bool
}

// watch begins to watch over a request. stop has to be called.
func (s *Session) watch(w *watch) *watch {
	w.session, w.own = s, newClock()
	if w.slow {
		s.slow.begin(w)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	first := min(w.quiet, w.most)
	w.timer, w.due = time.AfterFunc(first, w.look), time.Now().Add(first)
	return w
}

// stop ends the watch.
func (w *watch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.over = true
	w.timer.Stop()
	if w.slow {
		w.session.slow.end(w)
	}
}

// leave and back enclose work of the local side, for which the server is not to blame.
func (w *watch) leave() { w.setAway(true) }
func (w *watch) back()  { w.setAway(false) }

func (w *watch) setAway(away bool) {
	w.own.touch()
	w.mu.Lock()
	w.away = away
	w.mu.Unlock()
}

// look judges the request, and looks again when it could next be found hanging.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.session.Err() != nil { // what has ended it otherwise is not this request
		return
	}
	wait := w.patience()
	if wait <= 0 && stoodStill(w.due, w.quiet) {
		wait = w.quiet / stillShare
	}
	if wait > 0 {
		w.timer.Reset(wait)
		w.due = time.Now().Add(wait)
		return
	}
	blamed := w
	if w.own.since() < w.most { // else it is this one that was lost, whatever moves
		blamed = w.session.slow.blamed(w)
	}
	w.session.finish(func() error { return blamed.hung() })
}

// patience returns how long the request is waited for, as things stand.
func (w *watch) patience() time.Duration {
	s, own := w.session, w.own.since()
	left := w.most - own
	if w.away {
		return w.quiet
	}
	still := min(own, s.mux.heard.since(), s.conn.moved.since())
	if lent := s.slow.quiet(); lent > w.quiet { // it may be over soon
		return min(left, lent-still, w.quiet/4)
	}
	return min(left, w.quiet-still)
}

// slowOnes are the requests under way that work through a whole file.
type slowOnes struct {
	mu  sync.Mutex
	all map[*watch]struct{}
}

func (o *slowOnes) begin(w *watch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.all == nil {
		o.all = map[*watch]struct{}{}
	}
	o.all[w] = struct{}{}
}

func (o *slowOnes) end(w *watch) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.all, w)
}

// quiet returns for how long the server may answer nothing on their account.
func (o *slowOnes) quiet() (most time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for w := range o.all {
		most = max(most, w.quiet)
	}
	return most
}

// blamed returns which request is to blame where one is found hanging: a server that works in order answers nothing behind a slow
// one, and which of them is found is chance.
func (o *slowOnes) blamed(found *watch) *watch {
	o.mu.Lock()
	defer o.mu.Unlock()
	for w := range o.all {
		if w.first != nil && w.first() {
			return w
		}
	}
	return found
}

// do makes a request that the server answers at once.
func (s *Session) do(op, path string, request func() error) error {
	limit := s.target.StallTimeout
	w := s.watch(&watch{quiet: limit, most: slowLimit(0), hung: func() error {
		return fmt.Errorf("%s %s was not answered within %v (stall_timeout)", op, printable(path), limit)
	}})
	began := time.Now()
	err := request()
	w.stop()
	if err == nil {
		s.trip.took(time.Since(began))
	}
	return s.wrap(op, path, err)
}

// doSlow makes a request that works through a file of size bytes at the server.
func (s *Session) doSlow(op, path string, size int64, request func() error) error {
	quiet := slowQuiet(size, s.target.StallTimeout)
	w := s.watch(&watch{quiet: quiet, most: slowLimit(size), slow: true, hung: func() error {
		return fmt.Errorf("%s %s was not answered within %v (stall_timeout, and more for its size)", op, printable(path), quiet)
	}})
	err := request()
	w.stop()
	return s.wrap(op, path, err)
}
