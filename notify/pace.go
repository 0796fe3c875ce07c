package notify

import (
	"errors"
	"time"
)

// gather is how long the first of several alerts waits for others, so that a burst makes one message.
const gather = time.Second

// The waits after an attempt that has failed.
const (
	firstRetry   = 2 * time.Second
	longestRetry = 5 * time.Minute
	longestAsked = time.Hour // that a receiver may ask for
)

// pace says when a receiver may get its next message.
type pace struct {
	interval time.Duration // between two messages
	asked    time.Time     // when something began to wait
	last     time.Time     // when a message was sent
	failures int           // in a row
	again    time.Time     // not before, since an attempt has failed
}

// due returns when what waits may go.
func (p *pace) due() time.Time {
	at := p.asked.Add(gather)
	if !p.last.IsZero() && p.last.Add(p.interval).After(at) {
		at = p.last.Add(p.interval)
	}
	if p.again.After(at) {
		at = p.again
	}
	return at
}

func (p *pace) sent(now time.Time) {
	p.last, p.failures, p.again = now, 0, time.Time{}
}

func (p *pace) failed(now time.Time, err error) {
	wait := longestRetry
	if p.failures < 16 { // else the shift would come to more anyway
		wait = min(wait, firstRetry<<p.failures)
	}
	p.failures++
	if later, ok := errors.AsType[*laterError](err); ok {
		wait = max(wait, min(later.after, longestAsked))
	}
	p.again = now.Add(wait)
}

// laterError is an attempt after which the receiver has named the time of the next one.
type laterError struct {
	err   error
	after time.Duration
}

func (e *laterError) Error() string { return e.err.Error() }
func (e *laterError) Unwrap() error { return e.err }
