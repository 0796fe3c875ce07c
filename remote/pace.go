package remote

import (
	"sync"
	"time"
)

// pace measures the rate at which a lane's WRITEs are acknowledged while there are always more of them.
type pace struct {
	mu    sync.Mutex
	began time.Time // of the measure; zero while nothing is in flight
	bytes int64     // acknowledged since
	rate  float64   // of the last measure, in bytes per second; 0 before the first
}

// paceEvery is how long one measure takes.
const paceEvery = 500 * time.Millisecond

// note takes in that n bytes were acknowledged; more says that others are in flight. It returns the rate, in bytes per
// second, each time that a measure has ended.
func (p *pace) note(now time.Time, n int, more bool) (rate float64, told bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() { // what was acknowledged first was sent at an unknown time
		if more {
			p.began, p.bytes = now, 0
		}
		return 0, false
	}
	p.bytes += int64(n)
	if took := now.Sub(p.began); took >= paceEvery {
		p.rate, told = float64(p.bytes)/took.Seconds(), true
		p.began, p.bytes = now, 0
	}
	if !more {
		p.began = time.Time{}
	}
	return p.rate, told
}

// last returns the rate of the last measure, in bytes per second; 0 before the first.
func (p *pace) last() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rate
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

// firstWindow is what may be in flight before a rate was measured.
func firstWindow(most float64, roundTrip time.Duration) int {
	if roundTrip < laneFrom {
		most = min(most, nearWindow)
	}
	return int(max(leastWindow, most))
}
