package sftptest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// link is one direction of a wire, shared by its connections.
type link struct {
	passed atomic.Int64 // bytes that have come out

	mu    sync.Mutex
	delay time.Duration
	rate  int           // bytes a second; 0 is no limit
	busy  time.Time     // until when the link is sending what it was given
	heard chan struct{} // closed when silence ends; nil while there is none
}

// linkCredit is how far a link may catch up with its rate when a timer was late.
const linkCredit = 10 * time.Millisecond

func newLink() *link { return &link{} }

func (l *link) setDelay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

func (l *link) setRate(bytesPerSecond int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rate, l.busy = bytesPerSecond, time.Time{}
}

func (l *link) silence(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case on && l.heard == nil:
		l.heard = make(chan struct{})
	case !on && l.heard != nil:
		close(l.heard)
		l.heard = nil
	}
}

// listen waits while the link is silent.
func (l *link) listen(ctx context.Context) error {
	for {
		l.mu.Lock()
		heard := l.heard
		l.mu.Unlock()
		if heard == nil {
			return ctx.Err()
		}
		select {
		case <-heard:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// portion returns how many bytes to give to the link at once, so that connections share its rate smoothly, and how many
// may be under way in one connection.
func (l *link) portion() (atOnce, underWay int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	atOnce, underWay = lineStart, linePlain
	if l.rate > 0 {
		atOnce = min(atOnce, max(64, l.rate/200))
	}
	if l.delay > 0 {
		underWay = lineDelayed
	}
	return atOnce, underWay
}

// send takes n bytes at the link's rate, and returns when they come out at the other end.
func (l *link) send(ctx context.Context, n int) (due time.Time, err error) {
	l.mu.Lock()
	now := time.Now()
	if l.rate > 0 {
		if earliest := now.Add(-linkCredit); l.busy.Before(earliest) {
			l.busy = earliest
		}
		l.busy = l.busy.Add(time.Duration(float64(n) / float64(l.rate) * float64(time.Second)))
	}
	wait := l.busy.Sub(now)
	if l.rate == 0 {
		wait = 0
	}
	delay := l.delay
	l.mu.Unlock()
	if wait > 0 {
		if err := sleep(ctx, wait); err != nil {
			return time.Time{}, err
		}
		now = now.Add(wait)
	}
	return now.Add(delay), nil
}

// travel returns when a packet without bytes that is sent now would come out.
func (l *link) travel(ctx context.Context) error {
	due, err := l.send(ctx, 0)
	if err == nil {
		err = sleep(ctx, time.Until(due))
	}
	if err == nil {
		err = l.listen(ctx)
	}
	return err
}

// sleep waits for a time or the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
