package syncer

import (
	"iter"
	"time"

	"github.com/dropferry/dropferry/watcher"
)

// sight is how far a folder has been looked through, for files that wait for others.
type sight struct {
	whole bool      // one scan has come to its end
	since time.Time // since then a scan is under way, or has not come to its end; zero: none
}

// covers tells whether everything was seen that was there before a file was found ready. What a scan finds that is under
// way may come in any order.
func (s sight) covers(readyAt time.Time) bool {
	return s.whole && (s.since.IsZero() || readyAt.Before(s.since))
}

// seen returns how far the folder has been looked through. Where there is no planner, nothing is seen but what is known.
func (p *Planner) seen() sight {
	if p == nil {
		return sight{whole: true}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sight
}

// looking follows one scan.
type looking struct{ mistaken bool }

// beginLook notes that a scan is under way.
func (p *Planner) beginLook() *looking {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sight.since.IsZero() {
		p.sight.since = p.now()
	}
	return &looking{}
}

// follow passes entries on.
func (l *looking) follow(entries iter.Seq[watcher.Entry]) iter.Seq[watcher.Entry] {
	return func(yield func(watcher.Entry) bool) {
		for e := range entries {
			l.mistaken = l.mistaken || e.Path == ""
			if !yield(e) {
				return
			}
		}
	}
}

// endLook notes that all of a scan is planned; nil: nobody has to know.
func (p *Planner) endLook(l *looking) {
	if l == nil || l.mistaken {
		return
	}
	p.mu.Lock()
	p.sight = sight{whole: true}
	p.mu.Unlock()
	p.pokeAll()
}
