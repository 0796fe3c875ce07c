package remote

import (
	"sync"
	"time"
)

// Further connections are logins, and take places of the server's: they are had only while they carry more than one connection
// does alone. What that carries is measured first, over all the channels that help it; then they are made, and what all carry
// together is measured. Where that is hardly more they are given up again.

// flow measures the rate of a session's lanes together.
type flow struct {
	mu       sync.Mutex
	pace     pace
	inFlight int   // WRITEs
	bytes    int64 // acknowledged since the last measure
	further  int64 // of them, over further connections
}

// sends notes that one more WRITE is in flight.
func (f *flow) sends() {
	f.mu.Lock()
	f.inFlight++
	f.mu.Unlock()
}

// answered notes that one of n bytes is not any more. It returns the rate in bytes per second each time that a measure has
// ended, and whether further connections had a part in it that is worth the name.
func (f *flow) answered(now time.Time, n int, further bool) (rate float64, shared, told bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inFlight--
	f.bytes += int64(n)
	if further {
		f.further += int64(n)
	}
	if rate, told = f.pace.note(now, n, f.inFlight > 0, paceEvery); told {
		shared = f.further*leastPart >= f.bytes
		f.bytes, f.further = 0, 0
	}
	return rate, shared, told
}

// stage is how far it has been found out whether further connections help.
type stage int

const (
	stageAlone    stage = iota // the session's own connection is measured
	stageTogether              // all of them are
	stageWorth                 // they have helped
	stageUseless               // they have not
)

const (
	unsettled   = 1   // measures of a stage that do not count: channels are opened, windows grow
	aloneFor    = 2   // that count, of the session's own connection
	togetherFor = 4   // likewise, of all of them
	leastGain   = 1.1 // what all of them carry, at least, for each byte that one does
	leastPart   = 16  // the further ones are in use where they carry one byte in so many
)

// worth finds out whether further connections help, from the measures of a flow.
type worth struct {
	mu    sync.Mutex
	stage stage
	had   int     // measures in the stage
	sum   float64 // of those that count
	alone float64 // what the session's own connection carries, in bytes per second
}

// note takes in a measure, and returns the stage where another one begins with it.
func (w *worth) note(rate float64, shared bool) (next stage, begins bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := aloneFor
	switch {
	case w.stage == stageTogether && shared:
		count = togetherFor
	case w.stage != stageAlone:
		return w.stage, false
	}
	if w.had++; w.had > unsettled {
		w.sum += rate
	}
	if w.had < unsettled+count {
		return w.stage, false
	}
	mean := w.sum / float64(count)
	switch {
	case w.stage == stageAlone:
		w.stage, w.alone = stageTogether, mean
	case mean < leastGain*w.alone:
		w.stage = stageUseless
	default:
		w.stage = stageWorth
	}
	w.had, w.sum = 0, 0
	return w.stage, true
}

// allows tells whether further connections may be had. Those that were given up are tried again after a while: the line may have
// become another one.
func (w *worth) allows(useless time.Time, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(useless) < furtherAgain {
		return false
	}
	if w.stage == stageUseless {
		w.stage, w.had, w.sum = stageAlone, 0, 0
	}
	return w.stage != stageAlone
}

// sends notes that a WRITE is under way.
func (s *Session) sends() {
	if s.target.Connections > 1 {
		s.flow.sends()
	}
}

// answered notes that a WRITE of n bytes was answered on a lane, and what that tells of further connections.
func (s *Session) answered(l *lane, n int) {
	l.room.answered(n, s.RoundTrip(), s.window())
	if s.target.Connections < 2 {
		return
	}
	rate, shared, told := s.flow.answered(time.Now(), n, l.number > 0)
	if !told {
		return
	}
	next, begins := s.worth.note(rate, shared)
	switch {
	case !begins:
	case next == stageTogether: // what was refused so far was the own connection's further channels
		s.lanes.mu.Lock()
		s.lanes.refused = false
		s.lanes.mu.Unlock()
	case next == stageUseless:
		s.note(func(c *Capabilities) { c.ConnectionsUseless = time.Now().UTC() })
		s.giveUpFurther()
	}
}

// giveUpFurther has nothing more sent over the further connections. They are closed when the uploads under way, which may have files
// open there, have ended.
func (s *Session) giveUpFurther() {
	all := &s.lanes
	all.mu.Lock()
	defer all.mu.Unlock()
	s.berths.giveUp()
	own := all.beside[:0:0]
	for _, l := range all.beside {
		if l.number == 0 {
			own = append(own, l)
		}
	}
	all.beside = own
}

// begins counts an upload that may use any connection there is; the end of the last one closes those that were given up.
func (s *Session) begins() (ends func()) {
	s.uploads.Add(1)
	return func() {
		if s.uploads.Add(-1) == 0 {
			s.berths.closeGivenUp()
		}
	}
}
