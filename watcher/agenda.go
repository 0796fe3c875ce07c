package watcher

import (
	"math/rand/v2"
	"time"
)

// agenda decides when to scan. It is pure but for the scatter of the regular scans.
type agenda struct {
	tempo  tempo
	rescan time.Duration // between regular scans
	poll   time.Duration // between scans where hints cannot be relied on

	due       time.Time
	ended     time.Time     // of the last scan
	took      time.Duration // by the last scan, sink included
	faults    int           // in a row
	lastFault time.Time
	lame      int // scans in a row that failed or were not complete
}

// by moves the next scan to t, if it is not due earlier.
func (a *agenda) by(t time.Time) {
	if a.due.IsZero() || t.Before(a.due) {
		a.due = t
	}
}

// ask wants a scan for something that is gone or new: soon, not at once, and not all the time.
func (a *agenda) ask(now time.Time) {
	soon := now.Add(a.tempo.askDelay)
	if !a.ended.IsZero() {
		rest := a.ended.Add(max(a.tempo.askGap, time.Duration(a.tempo.askShare)*a.took))
		if rest.After(soon) {
			soon = rest
		}
	}
	a.by(soon)
}

// fault wants a scan because hints were lost; the more faults in a row, the later.
func (a *agenda) fault(now time.Time) {
	if now.Sub(a.lastFault) > 2*a.tempo.faultMost {
		a.faults = 0
	}
	a.by(now.Add(max(backoff(a.faults, a.tempo.faultLeast, a.tempo.faultMost), a.took)))
	a.faults++
	a.lastFault = now
}

// done plans the next regular scan after one that ran from started to now. One that failed is repeated sooner, and one
// that could not read everything somewhat sooner.
func (a *agenda) done(started, now time.Time, polling, complete, failed bool) {
	a.ended, a.took = now, now.Sub(started)
	wait := scatter(a.rescan)
	if polling {
		wait = min(wait, a.poll)
	}
	switch {
	case failed:
		wait = min(wait, backoff(a.lame, a.tempo.sinkLeast, a.tempo.sinkMost))
		a.lame++
	case !complete:
		wait = min(wait, backoff(a.lame, 60*a.tempo.sinkLeast, a.rescan))
		a.lame++
	default:
		a.lame = 0
	}
	a.due = now.Add(wait)
}

// scatter returns d, 25 % more or less, so that many folders and agents do not scan in step.
func scatter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.75 + 0.5*rand.Float64()))
}
