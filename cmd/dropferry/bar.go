package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/syncer"
)

// bar draws how much of something is done, width letters wide.
func bar(done, whole int64, width int) string {
	full := width
	if whole > 0 {
		full = int(min(done, whole) * int64(width) / whole)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// onceBar is the line of a run that a person waits for: what is done of all that was planned.
type onceBar struct {
	line *progress

	mu          sync.Mutex
	began       time.Time
	sizes, sent map[string]int64 // by intent, of those that are not done
	files, done int
	whole, past int64 // bytes
}

func newOnceBar(line *progress) *onceBar {
	return &onceBar{line: line, sizes: map[string]int64{}, sent: map[string]int64{}}
}

// observe follows events.
func (b *onceBar) observe(e syncer.Event) {
	b.mu.Lock()
	if b.began.IsZero() && (e.Type == syncer.EventStarted || e.Type == syncer.EventProgress) { // to connect is no part of the rate
		b.began = time.Now()
	}
	switch e.Type {
	case syncer.EventPlanned, syncer.EventStarted: // the latter of what an earlier run has planned
		if _, known := b.sizes[e.ID]; !known {
			b.files++
			b.whole += e.Size
			b.sizes[e.ID] = e.Size
		}
	case syncer.EventProgress:
		b.sent[e.ID] = min(e.Sent, b.sizes[e.ID])
	case syncer.EventDelivered, syncer.EventAdopted, syncer.EventUnchanged, syncer.EventHeld, syncer.EventParked, syncer.EventDropped:
		if size, known := b.sizes[e.ID]; known {
			b.done++
			b.past += size
			delete(b.sizes, e.ID)
			delete(b.sent, e.ID)
		}
	}
	var moving int64
	for _, n := range b.sent {
		moving += n
	}
	files, done, whole, past, began := b.files, b.done, b.whole, b.past+moving, b.began
	b.mu.Unlock()
	if files > 0 {
		b.line.say(func(now time.Time) string {
			if began.IsZero() {
				began = now
			}
			return bar(past, whole, 20) + fmt.Sprintf(" %d of %s  ", done, counted(files, "file")) + progressAmount(past, whole, past, now.Sub(began))
		})
	}
}
