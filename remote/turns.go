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

// waiter waits for n turns at once, of one kind or of several.
type waiter struct {
	n    int
	turn chan<- *turns // is told of whom they are taken; it has room for that
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
	_, err := takeFirst(n, []*turns{t}, ends...)
	return err
}

// takeFirst waits for n turns of whichever of several has them first, at most until one of two channels is closed, and returns
// that one. Of those that have them at once it is the first.
func takeFirst(n int, of []*turns, ends ...<-chan struct{}) (*turns, error) {
	for _, t := range of {
		if t.takeAtOnce(n) {
			return t, nil
		}
	}
	taken := make(chan *turns, len(of))
	w := &waiter{n, taken}
	for _, t := range of {
		t.wait(w)
	}
	defer func() {
		for _, t := range of {
			t.leave(w)
		}
		close(taken)
		for t := range taken { // a turn that came at the same moment as another, or as the end
			t.give(n)
		}
	}()
	var first, second <-chan struct{}
	if len(ends) > 0 {
		first = ends[0]
	}
	if len(ends) > 1 {
		second = ends[1]
	}
	select {
	case t := <-taken:
		return t, nil
	case <-first:
	case <-second:
	}
	return nil, errNoTurn
}

// takeAtOnce takes n turns if nobody waits and they are free.
func (t *turns) takeAtOnce(n int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) > 0 || !t.free(n) {
		return false
	}
	t.taken += n
	return true
}

// wait has somebody wait for his turns, and leave ends that, if he has not got them.
func (t *turns) wait(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, w)
	t.pass()
}

func (t *turns) leave(w *waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, w); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.pass()
	}
}

// turn waits for n turns, at most until the session ends, which is errGone, or ctx does, whose error is local.
func (s *Session) turn(ctx context.Context, t *turns, n int) (local, err error) {
	_, local, err = s.firstTurn(ctx, []*turns{t}, n)
	return local, err
}

// firstTurn waits likewise for n turns of whichever of several has them first.
func (s *Session) firstTurn(ctx context.Context, of []*turns, n int) (t *turns, local, err error) {
	t, err = takeFirst(n, of, s.dead, ctx.Done())
	switch {
	case err == nil:
		return t, nil, nil
	case s.Err() != nil:
		return nil, nil, errGone
	}
	return nil, ctx.Err(), nil
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
		w.turn <- t
	}
}
