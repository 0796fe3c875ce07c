package remote

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// turns bounds how many of something there are at once: files that are open, requests under way. Who waits gets his turns
// in the order of coming. The zero value bounds nothing.
type turns struct {
	mu      sync.Mutex
	most    int // 0 is any number
	taken   int
	waiting []*waiter
}

// waiter waits for n turns at once.
type waiter struct {
	n    int
	turn chan struct{} // closed when they are taken
}

// errNoTurn says that what ends the waiting came before the turn.
var errNoTurn = errors.New("ended while it waited for its turn")

// limit changes how many there may be; what is taken stays taken.
func (t *turns) limit(most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.most = most
	t.pass()
}

// take waits for n turns, at most until one of two channels is closed. More than there can be are taken when nobody else
// has any.
func (t *turns) take(n int, ends ...<-chan struct{}) error {
	t.mu.Lock()
	if len(t.waiting) == 0 && t.free(n) {
		t.taken += n
		t.mu.Unlock()
		return nil
	}
	w := &waiter{n, make(chan struct{})}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	var first, second <-chan struct{}
	if len(ends) > 0 {
		first = ends[0]
	}
	if len(ends) > 1 {
		second = ends[1]
	}
	select {
	case <-w.turn:
		return nil
	case <-first:
	case <-second:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	} else { // it came at the same moment
		t.taken -= n
	}
	t.pass()
	return errNoTurn
}

// turn waits for n turns, at most until the session ends, which is errGone, or ctx does, whose error is local.
func (s *Session) turn(ctx context.Context, t *turns, n int) (local, err error) {
	if t.take(n, s.dead, ctx.Done()) == nil {
		return nil, nil
	}
	if s.Err() != nil {
		return nil, errGone
	}
	return ctx.Err(), nil
}

// give ends n turns. That nobody has them is let be: a server may answer what it was not asked.
func (t *turns) give(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken = max(t.taken-n, 0)
	t.pass()
}

// bound returns how many there may be; 0 is any number.
func (t *turns) bound() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.most
}

// inUse returns how many there are.
func (t *turns) inUse() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.taken
}

func (t *turns) free(n int) bool { return t.most == 0 || t.taken+n <= t.most || t.taken == 0 }

// pass hands free turns to those who wait.
func (t *turns) pass() {
	for len(t.waiting) > 0 && t.free(t.waiting[0].n) {
		w := t.waiting[0]
		t.waiting = t.waiting[1:]
		t.taken += w.n
		close(w.turn)
	}
}
