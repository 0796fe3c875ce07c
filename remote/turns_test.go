package remote

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u turns
		for range 10 {
			if err := u.take(1); err != nil { // nothing is bounded yet
				t.Fatal(err)
			}
		}
		for range 10 {
			u.give(1)
		}
		u.give(1) // of nobody
		u.limit(2)
		var now, most atomic.Int32
		var order []int
		var mu sync.Mutex
		for i := range 10 {
			go func() {
				if err := u.take(1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				most.Store(max(most.Load(), now.Add(1)))
			}()
			synctest.Wait()
		}
		if now.Load() != 2 {
			t.Errorf("%d have a turn, want 2", now.Load())
		}
		for range 10 {
			now.Add(-1)
			u.give(1)
			synctest.Wait()
		}
		if most.Load() != 2 {
			t.Errorf("%d had a turn at once, want 2", most.Load())
		}
		for i, got := range order {
			if got != i {
				t.Fatalf("turns in the order %v, want that of coming", order)
			}
		}
	})
}

// Who waits for several is not passed by those who want one.
func TestTurnsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u turns
		u.limit(2)
		if err := u.take(1); err != nil {
			t.Fatal(err)
		}
		two := async(func() error { return u.take(2) })
		synctest.Wait()
		one := async(func() error { return u.take(1) })
		synctest.Wait()
		if len(two)+len(one) > 0 {
			t.Error("more turns than there are")
		}
		u.give(1)
		if err := <-two; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(one) > 0 {
			t.Error("a third turn of two")
		}
		u.give(2)
		if err := <-one; err != nil {
			t.Error(err)
		}
		u.give(1)
		if err := u.take(3); err != nil || u.taken != 3 {
			t.Errorf("three of two, with nobody else there: %v", err)
		}
	})
}

func TestTurnsThatAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var u turns
		u.limit(1)
		if err := u.take(1); err != nil {
			t.Fatal(err)
		}
		end, never := make(chan struct{}), make(chan struct{})
		gave := async(func() error { return u.take(1, never, end) })
		next := async(func() error { return u.take(1, never, never) })
		synctest.Wait()
		close(end)
		if err := <-gave; !errors.Is(err, errNoTurn) {
			t.Errorf("given up: %v", err)
		}
		u.give(1)
		if err := <-next; err != nil {
			t.Errorf("the next: %v", err)
		}
		last := async(func() error { return u.take(1, never) })
		synctest.Wait()
		u.limit(2) // more may come in while one waits
		if err := <-last; err != nil {
			t.Errorf("after the limit has risen: %v", err)
		}
	})
}

// TestTurnsOfSeveral are had of whichever gives them first, and of no other.
func TestTurnsOfSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a, b turns
		of := []*turns{&a, &b}
		a.limit(3)
		b.limit(3)
		for _, want := range []*turns{&a, &b} {
			if got, err := takeFirst(2, of); got != want || err != nil {
				t.Fatalf("%p, %v, want %p", got, err, want)
			}
		}
		got := make(chan *turns, 1)
		waiting := func(end <-chan struct{}) {
			go func() {
				u, _ := takeFirst(2, of, end)
				got <- u
			}()
			synctest.Wait()
		}
		waiting(nil)
		b.give(2)
		if u := <-got; u != &b || a.inUse() != 2 || b.inUse() != 2 {
			t.Errorf("%p with %d and %d in use", u, a.inUse(), b.inUse())
		}
		waiting(nil)
		a.mu.Lock() // both at the same moment
		b.mu.Lock()
		a.taken, b.taken = 0, 0
		a.pass()
		b.pass()
		a.mu.Unlock()
		b.mu.Unlock()
		synctest.Wait()
		if u := <-got; u == nil || a.inUse()+b.inUse() != 2 {
			t.Errorf("%p with %d and %d in use", u, a.inUse(), b.inUse())
		}
		a.limit(1)
		b.limit(1)
		if _, err := takeFirst(2, of); err != nil { // more than there can be, where nobody has any
			t.Error(err)
		}
		end := make(chan struct{})
		waiting(end)
		close(end)
		if u := <-got; u != nil || len(a.waiting)+len(b.waiting) != 0 {
			t.Errorf("after its end: %p, %d waiting", u, len(a.waiting)+len(b.waiting))
		}
	})
}
