package remote

import (
	"slices"
	"sync"
	"time"
)

// pace measures the rate at which WRITEs are acknowledged while there are always more of them.
type pace struct {
	mu    sync.Mutex
	began time.Time // of the measure; zero while nothing is in flight
	bytes int64     // acknowledged since
	past  [pastMeasures]float64
	had   int // measures so far
}

const (
	// paceEvery is how long one measure takes, unless something else is said.
	paceEvery = 500 * time.Millisecond
	// leastPace is how long one takes, at least: what a busy machine does in less says nothing.
	leastPace = 100 * time.Millisecond
	// pastMeasures is of how many the best counts: what a line has carried it carries again after a moment in which a server, or we,
	// had no processor.
	pastMeasures = 8
)

// paceFor returns how long a measure takes on a lane: long enough that what is in flight has changed with the last one.
func paceFor(roundTrip time.Duration) time.Duration { return max(leastPace, 2*roundTrip) }

// note takes in that n bytes were acknowledged; more says that others are in flight. It returns the rate, in bytes per
// second, each time that a measure has ended, which takes as long as every.
func (p *pace) note(now time.Time, n int, more bool, every time.Duration) (rate float64, told bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() { // what was acknowledged first was sent at an unknown time
		if more {
			p.began, p.bytes = now, 0
		}
		return 0, false
	}
	p.bytes += int64(n)
	if took := now.Sub(p.began); took >= every {
		rate, told = float64(p.bytes)/took.Seconds(), true
		p.past[p.had%pastMeasures] = rate
		p.had++
		p.began, p.bytes = now, 0
	}
	if !more {
		p.began = time.Time{}
	}
	return rate, told
}

// best returns the highest rate of the last measures, in bytes per second, and how many there were so far.
func (p *pace) best() (rate float64, measures int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Max(p.past[:]), p.had
}

const (
	// ahead is how much time what is in flight may take: other requests wait as long, and what is in flight is lost with the
	// connection.
	ahead = 2 * time.Second
	// leastWindow is what is in flight on the slowest line.
	leastWindow = 64 << 10
	// nearWindow keeps a server busy that is no way off. What it has not come to yet it moves around in its memory, again and
	// again: OpenSSH spends as much time on that as on the file where 2 MiB wait. Source: sshbuf_reserve of its sshbuf.c, which
	// copies all that is there for each packet.
	nearWindow = 256 << 10
)

// windowFor returns how many bytes may be in flight on a lane of the rate, in bytes per second: what the line holds, with room
// to find out that it holds twice as much, and what keeps the server busy.
func windowFor(rate float64, roundTrip time.Duration) int {
	window := min(laneWindow, rate*ahead.Seconds(), nearWindow+2*rate*roundTrip.Seconds())
	return int(max(leastWindow, window))
}

// farWindow is what is in flight on each lane of a long line before its rate was measured: a slow one takes seconds to carry what
// several lanes have, and everything else waits behind that.
const farWindow = 512 << 10

// firstWindow is what may be in flight on a lane before a rate was measured, of most.
func firstWindow(most float64, roundTrip time.Duration) int {
	if roundTrip < laneFrom {
		return int(max(leastWindow, min(most, nearWindow)))
	}
	return int(max(leastWindow, min(most, farWindow)))
}
