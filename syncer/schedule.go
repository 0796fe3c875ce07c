package syncer

import (
	"context"
	"time"
)

// Schedule is when a destination may be used. The zero value is always.
type Schedule struct {
	// At tells whether that is so at a moment, and until when it stays so; a zero time is for ever. nil: always.
	At func(moment time.Time) (open bool, until time.Time)
	// StopAtEnd has what is under way when a window ends broken off, to go on when the next one opens; else it is brought
	// to its end.
	StopAtEnd bool
}

// Closed is why nothing is sent to a destination outside its schedule.
type Closed struct {
	Opens time.Time // zero: never
}

func (e *Closed) Error() string {
	if e.Opens.IsZero() {
		return "outside its schedule"
	}
	return "outside its schedule; it opens at " + e.Opens.Format(time.RFC3339)
}

// gate remembers what a schedule has said last, which is asked for again and again.
type gate struct {
	schedule Schedule

	asked, until time.Time
	open         bool
}

// at tells whether the destination may be used, and until when that stays so; a zero time is for ever. A clock that is put
// back makes it ask again.
func (g *gate) at(now time.Time) (open bool, until time.Time) {
	if g.schedule.At == nil {
		return true, time.Time{}
	}
	if g.asked.IsZero() || now.Before(g.asked) || !g.until.IsZero() && !now.Before(g.until) {
		g.open, g.until = g.schedule.At(now)
		g.asked = now
	}
	return g.open, g.until
}

// clockLook is how often the wall clock is looked at while a window's edge is waited for: it may be set.
const clockLook = 30 * time.Second

// edge fires when the schedule may say something else; it never does without one. The caller stops it.
func (g *gate) edge(now time.Time) (<-chan time.Time, func()) {
	if _, until := g.at(now); !until.IsZero() {
		timer := time.NewTimer(min(max(until.Sub(now), time.Millisecond), clockLook))
		return timer.C, func() { timer.Stop() }
	}
	return nil, func() {}
}

// awaitOpening waits until the destination may be used. stop says that the link is to end: so it does with once, since the
// opening is for another run. It is no failure, and nothing is held against a file for it.
func (l *link) awaitOpening(ctx context.Context) (stop bool) {
	defer l.pulse.rest()()
	for told := false; ; told = true {
		now := l.now()
		open, until := l.gate.at(now)
		if open {
			return false
		}
		closed := &Closed{Opens: until}
		l.setState(LinkClosed, closed, until)
		if !told {
			l.observe(Event{At: now, Type: EventClosed, Destination: l.name, Reason: closed.Error(), Next: until})
		}
		if l.once {
			return true
		}
		edge, done := l.gate.edge(now)
		select {
		case <-ctx.Done():
			done()
			return true
		case <-edge:
		}
		done()
	}
}

// aging fires when a session has stood for as long as it may; it never does where it may for ever. The caller stops it.
func (l *link) aging() (<-chan time.Time, func()) {
	if l.maxAge == 0 {
		return nil, func() {}
	}
	timer := time.NewTimer(l.maxAge)
	return timer.C, func() { timer.Stop() }
}
