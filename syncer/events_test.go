package syncer

import (
	"bytes"
	"slices"
	"sync"
	"time"
)

// recorder keeps all events.
type recorder struct {
	mu    sync.Mutex
	all   []Event
	taken []bool
	more  chan struct{} // closed at each event
}

func newRecorder() *recorder { return &recorder{more: make(chan struct{})} }

func (c *recorder) observe(e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all, c.taken = append(c.all, e), append(c.taken, false)
	close(c.more)
	c.more = make(chan struct{})
}

// await takes the first event that was not taken and that is wanted.
func (c *recorder) await(wanted func(*Event) bool) (Event, bool) {
	timeout := time.After(waitLimit)
	for {
		c.mu.Lock()
		more := c.more
		for i := range c.all {
			if !c.taken[i] && wanted(&c.all[i]) {
				c.taken[i] = true
				e := c.all[i]
				c.mu.Unlock()
				return e, true
			}
		}
		c.mu.Unlock()
		select {
		case <-more:
		case <-timeout:
			return Event{}, false
		}
	}
}

// of returns the events of a type.
func (c *recorder) of(t EventType) []Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []Event
	for i := range c.all {
		if c.all[i].Type == t {
			found = append(found, c.all[i])
		}
	}
	return found
}

func (c *recorder) count(t EventType) int { return len(c.of(t)) }

func (c *recorder) happened(t EventType, name string) bool {
	return slices.ContainsFunc(c.of(t), func(e Event) bool { return string(e.Path) == name })
}

// wantNone fails for each event of the types.
func (r *rig) wantNone(types ...EventType) {
	r.Helper()
	for _, t := range types {
		if n := r.events.count(t); n > 0 {
			r.Errorf("%d times %s, want none", n, t)
		}
	}
}

func (c *recorder) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b bytes.Buffer
	for i := range c.all {
		e := &c.all[i]
		if e.Type == EventProgress {
			continue
		}
		b.WriteString(e.At.Format("05.000 ") + string(e.Type) + " " + e.Destination + " " + string(e.Path) + " " + e.Reason + "\n")
	}
	return b.String()
}
