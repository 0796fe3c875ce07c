package watcher

import (
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// reading is what the clocks say at one moment.
type reading struct {
	at     time.Time     // the wall clock and, within, the monotonic clock, which stands still while the machine sleeps
	skew   time.Duration // is added to the wall clock; 0 but in tests
	asleep time.Duration // how long the machine has slept since it was started
	tells  bool          // asleep is known
}

// wall is the wall clock alone: Round strips the monotonic one.
func (r reading) wall() time.Time { return r.at.Round(0).Add(r.skew) }

// drift is what happened between two readings besides the passing of time.
type drift struct {
	slept   time.Duration // the machine was suspended for so long
	stepped time.Duration // the wall clock was set forward by so much, or back where it is negative
}

// since compares two readings. Where the system does not tell how long it slept, sleep and a step of the wall clock look
// alike, and count as both.
func (r reading) since(before reading) drift {
	gap := r.wall().Sub(before.wall()) - r.at.Sub(before.at)
	if !r.tells || !before.tells {
		return drift{slept: max(gap, 0), stepped: gap}
	}
	slept := r.asleep - before.asleep
	return drift{slept: slept, stepped: gap - slept}
}

// clocks follows the wall clock against the monotonic one.
type clocks struct {
	read  func() reading
	last  reading
	steps []step // forward, oldest first
}

// step is that the wall clock was set forward by so much. at is what it would have shown otherwise when that was noticed.
type step struct {
	at time.Time
	by time.Duration
}

// maxSteps bounds the list: beyond it the oldest two become one.
const maxSteps = 64

func newClocks() *clocks { return &clocks{read: readClocks} }

// wobble is how much the clocks may differ without meaning anything: they are not read at one moment, and NTP slews.
const wobble = time.Second

// look reads the clocks and tells what happened since the last look.
func (c *clocks) look() drift {
	now := c.read()
	if c.last.at.IsZero() {
		c.last = now
		return drift{}
	}
	d := now.since(c.last)
	if d.slept < wobble {
		d.slept = 0
	}
	if d.stepped.Abs() < wobble {
		d.stepped = 0
	}
	if d.stepped > 0 {
		c.steps = append(c.steps, step{at: now.wall().Add(-d.stepped), by: d.stepped})
		if len(c.steps) > maxSteps {
			c.steps[1].by += c.steps[0].by
			c.steps = slices.Delete(c.steps, 0, 1)
		}
	}
	if d != (drift{}) || now.at.Sub(c.last.at) > time.Hour { // slow drift must not add up to a step, nor hide one
		c.last = now
	}
	return d
}

// inflated is by how much too old a file looks at seen because the wall clock was set forward since it was stamped.
func (c *clocks) inflated(f file.Fingerprint, seen time.Time) (by time.Duration) {
	for _, s := range slices.Backward(c.steps) {
		if f.LastChange(seen).After(s.at) {
			break
		}
		by += s.by
	}
	return by
}
