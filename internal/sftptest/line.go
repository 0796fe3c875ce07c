package sftptest

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A line's buffer begins small and grows with what is under way.
const (
	lineStart   = 256 << 10
	linePlain   = 1 << 20  // most bytes that wait when nothing delays them
	lineDelayed = 64 << 20 // most bytes under way when something does
	lineRoom    = 64 << 10 // less free room than this makes the buffer grow
)

// line carries bytes from one goroutine that puts them in to one that takes them out, each not before its moment. It is
// a ring: put and take number all bytes since the beginning, and a mark says when those up to it may leave.
type line struct {
	mu        sync.Mutex
	ring      []byte
	put, take uint64
	marks     []mark
	end       *ending

	roomFree, dataCome chan struct{} // each holds one token: look again
}

type mark struct {
	until uint64
	due   time.Time
}

// ending is what comes after the last byte.
type ending struct {
	due   time.Time
	reset bool // a RST, else a FIN
}

var (
	errLineEnd   = errors.New("end of line")
	errLineReset = errors.New("line reset")
)

func newLine() *line {
	return &line{
		ring: make([]byte, lineStart), roomFree: make(chan struct{}, 1), dataCome: make(chan struct{}, 1),
	}
}

func token(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is one
	}
}

// room waits until bytes can be put in, and returns where; commit tells how many were. most bounds what is under way.
func (l *line) room(ctx context.Context, most int) ([]byte, error) {
	for {
		l.mu.Lock()
		free := len(l.ring) - int(l.put-l.take)
		if free < lineRoom && len(l.ring) < most {
			l.grow()
			free = len(l.ring) - int(l.put-l.take)
		}
		if free > 0 {
			at := int(l.put % uint64(len(l.ring)))
			p := l.ring[at:min(at+free, len(l.ring))]
			l.mu.Unlock()
			return p, nil
		}
		l.mu.Unlock()
		select {
		case <-l.roomFree:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// grow doubles the ring. The goroutine that takes may still hold a part of the old one: nobody writes there any more.
func (l *line) grow() {
	bigger := make([]byte, 2*len(l.ring))
	for n := l.take; n < l.put; {
		from := int(n % uint64(len(l.ring)))
		to := int(n % uint64(len(bigger)))
		chunk := min(int(l.put-n), len(l.ring)-from, len(bigger)-to)
		copy(bigger[to:], l.ring[from:from+chunk])
		n += uint64(chunk)
	}
	l.ring = bigger
}

// commit puts n bytes in that may leave at due.
func (l *line) commit(n int, due time.Time) {
	l.mu.Lock()
	l.put += uint64(n)
	l.marks = append(l.marks, mark{l.put, due})
	l.mu.Unlock()
	token(l.dataCome)
}

// finish puts the end in.
func (l *line) finish(reset bool, due time.Time) {
	l.mu.Lock()
	l.end = &ending{due, reset}
	l.mu.Unlock()
	token(l.dataCome)
}

// next waits for bytes that may leave and returns them; release tells how many have left. After the last it returns
// errLineEnd or errLineReset.
func (l *line) next(ctx context.Context) ([]byte, error) {
	for {
		p, wait, err := l.look(time.Now())
		if len(p) > 0 || err != nil {
			return p, err
		}
		var moment <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait)
			moment = timer.C
		}
		select {
		case <-moment:
		case <-l.dataCome:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if timer != nil {
			timer.Stop()
		}
		if err != nil {
			return nil, err
		}
	}
}

// look returns the bytes that may leave now, or how long to wait for the next; a wait of 0 is for news.
func (l *line) look(now time.Time) (p []byte, wait time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.take
	for len(l.marks) > 0 {
		if wait = l.marks[0].due.Sub(now); wait > 0 && until == l.take {
			return nil, wait, nil
		}
		if wait > 0 {
			break
		}
		until = l.marks[0].until
		l.marks = l.marks[1:]
	}
	if until > l.take {
		// What wraps around the ring is left for the next look, at once.
		at := int(l.take % uint64(len(l.ring)))
		n := min(int(until-l.take), len(l.ring)-at)
		if rest := l.take + uint64(n); rest < until {
			l.marks = append([]mark{{until, now}}, l.marks...)
		}
		return l.ring[at : at+n], 0, nil
	}
	if l.end == nil {
		return nil, 0, nil
	}
	if wait = l.end.due.Sub(now); wait > 0 {
		return nil, wait, nil
	}
	if l.end.reset {
		return nil, 0, errLineReset
	}
	return nil, 0, errLineEnd
}

// release frees the room of n bytes that have left.
func (l *line) release(n int) {
	l.mu.Lock()
	l.take += uint64(n)
	l.mu.Unlock()
	token(l.roomFree)
}
