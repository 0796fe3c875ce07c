package bandwidth

import (
	"cmp"
	"slices"
	"time"
)

// turn is n bytes that somebody waits for.
//
// The turns at a destination come in the order of their tags: what the destination's clock was when the waiting began, plus
// n. The clock counts the bytes that each of those who wait would have had so far, had they all passed at once. So all
// transfers that always have bytes to pass get the same share, if each waits for one turn at a time; who asks for few bytes
// comes before those who ask for many, with two shares at most; and nobody is overtaken for ever, since the clock goes on.
// Destinations whose turns could come at the same moment share in the same way, by a clock of all.
type turn struct {
	n     int
	tag   float64
	order int64         // of coming, where tags are equal
	come  chan struct{} // closed when it has
}

func (t *turn) compare(other *turn) int {
	return cmp.Or(cmp.Compare(t.tag, other.tag), cmp.Compare(t.order, other.order))
}

// tag is the destination's among all.
func (l *Limit) tag() float64 { return l.since + float64(l.queue[0].n) }

func (l *Limit) compare(other *Limit) int {
	return cmp.Or(cmp.Compare(l.tag(), other.tag()), cmp.Compare(l.queue[0].order, other.queue[0].order))
}

// enqueue adds a turn for n bytes to those that are waited for.
func (l *Limit) enqueue(n int) *turn {
	t := &turn{n: n, tag: l.clock + float64(n), order: l.all.turns, come: make(chan struct{})}
	l.all.turns++
	if len(l.queue) == 0 {
		l.all.waiting = append(l.all.waiting, l)
		l.since = l.all.clock
	}
	at, _ := slices.BinarySearchFunc(l.queue, t, (*turn).compare)
	l.queue = slices.Insert(l.queue, at, t)
	return t
}

// leave takes a turn that has not come, or has this moment, out of the queue.
func (l *Limit) leave(t *turn) {
	at := slices.Index(l.queue, t)
	if at < 0 {
		return
	}
	l.queue = slices.Delete(l.queue, at, at+1)
	if len(l.queue) == 0 {
		l.all.waiting = slices.DeleteFunc(l.all.waiting, func(other *Limit) bool { return other == l })
	}
}

// pass lets everybody pass whose turn it is, and comes back when it is the next one's.
func (l *Limits) pass(now time.Time) {
	for {
		limit, wait := l.next(now)
		if limit == nil {
			l.comeBack(wait)
			return
		}
		t := limit.queue[0]
		limit.own.take(now, t.n)
		l.total.take(now, t.n)
		limit.clock += float64(t.n) / float64(len(limit.queue))
		l.clock += float64(t.n) / float64(len(l.waiting))
		limit.since = l.clock
		limit.leave(t)
		close(t.come)
	}
}

// next returns the limit whose first turn it is. Where it is nobody's yet, it returns nil and how long to wait; never more
// than 0 where nobody waits. A turn that all limits together hold up is not overtaken by smaller ones: it would never come.
func (l *Limits) next(now time.Time) (first *Limit, wait time.Duration) {
	for _, limit := range l.waiting {
		t := limit.queue[0]
		if delay := limit.own.delay(now, t.n); delay > 0 {
			if wait == 0 || delay < wait {
				wait = delay
			}
		} else if first == nil || limit.compare(first) < 0 {
			first = limit
		}
	}
	if first == nil {
		return nil, wait
	}
	if delay := l.total.delay(now, first.queue[0].n); delay > 0 {
		return nil, delay
	}
	return first, 0
}

// leastWait keeps a high rate from waking somebody for each packet: what is saved up meanwhile passes at once.
const leastWait = time.Millisecond

// comeBack has pass called again after a while; never where that is 0.
func (l *Limits) comeBack(wait time.Duration) {
	switch {
	case wait == 0 && l.timer != nil:
		l.timer.Stop()
	case wait == 0:
	case l.timer == nil:
		l.timer = time.AfterFunc(max(wait, leastWait), l.again)
	default:
		l.timer.Reset(max(wait, leastWait))
	}
}

func (l *Limits) again() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pass(time.Now())
}
