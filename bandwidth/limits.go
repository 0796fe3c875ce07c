// Package bandwidth bounds how many bytes pass in a second: to each destination, and to all of them together. Whoever
// has bytes to pass waits for his turn, and turns are fair: each that waits gets the same share, and a few bytes never wait
// behind many.
//
// It knows nothing of files and connections. What counts is what its callers wait for.
package bandwidth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Limits are the limits of all destinations, and the one that they share. The zero value is not usable: see New.
type Limits struct {
	mu      sync.Mutex
	total   bucket
	limits  map[string]*Limit
	waiting []*Limit // those that somebody waits at
	clock   float64  // see turn
	turns   int64    // that were ever waited for
	timer   *time.Timer
}

// Limit is the limit of one destination within those of all.
type Limit struct {
	all  *Limits
	rate atomic.Int64 // that holds: the lower of its own and that of all; 0 is none

	// Under the lock of all.
	own   bucket
	queue []*turn // in their order
	clock float64 // of the queue: see turn
	since float64 // what the clock of all was when the last turn of the queue came, or when it began
}

// Rates are numbers of bytes in a second; 0 is no limit.
type Rates struct {
	Total int64
	Each  map[string]int64 // by destination; none for those that are not named
}

// New returns limits that bound nothing yet.
func New() *Limits { return &Limits{limits: map[string]*Limit{}} }

// Limit returns the limit of a destination, the same one for the same name.
func (l *Limits) Limit(destination string) *Limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limit(destination)
}

func (l *Limits) limit(destination string) *Limit {
	limit := l.limits[destination]
	if limit == nil {
		limit = &Limit{all: l}
		limit.rate.Store(l.total.rate)
		l.limits[destination] = limit
	}
	return limit
}

// Set replaces all rates. They hold for those who wait already too.
func (l *Limits) Set(r Rates) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for destination := range r.Each {
		l.limit(destination)
	}
	l.total.set(now, r.Total)
	for destination, limit := range l.limits {
		limit.own.set(now, r.Each[destination])
		limit.rate.Store(lower(limit.own.rate, l.total.rate))
	}
	l.pass(now)
}

// lower returns the lower of two rates, of which 0 is none.
func lower(a, b int64) int64 {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// Rate returns how many bytes pass in a second, as things stand; 0 is any number. It costs next to nothing.
func (l *Limit) Rate() int64 { return l.rate.Load() }

// Wait returns when n more bytes may pass. Many are waited for in several turns, between which others have theirs. Its only
// error is that of ctx; what had its turn before counts as passed.
func (l *Limit) Wait(ctx context.Context, n int) error {
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		part := n
		if rate := l.Rate(); rate > 0 {
			part = int(min(int64(n), portion(rate)))
		}
		if err := l.wait(ctx, part); err != nil {
			return err
		}
		n -= part
	}
	return nil
}

// wait waits for one turn.
func (l *Limit) wait(ctx context.Context, n int) error {
	l.all.mu.Lock()
	t := l.enqueue(n)
	l.all.pass(time.Now())
	l.all.mu.Unlock()
	select {
	case <-t.come:
		return nil
	default:
	}
	select {
	case <-t.come:
		return nil
	case <-ctx.Done():
	}
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	l.leave(t)
	l.all.pass(time.Now())
	return ctx.Err()
}
