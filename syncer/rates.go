package syncer

import (
	"context"
	"iter"
	"time"

	"github.com/dropferry/dropferry/state"
)

// How fast a destination was is kept when the program ends: one that runs for a minute each hour would never know else.

// ratesStay is for how long that counts.
const ratesStay = 30 * 24 * time.Hour

// all returns the rates by what the store calls them.
func (s *speeds) all() iter.Seq2[string, *rate] {
	return func(yield func(string, *rate) bool) {
		_ = yield("copy", &s.copy) && yield("hash", &s.hash) && yield("send", &s.send)
	}
}

// recall takes what the store knows of a destination, where nothing was learned since.
func (s *speeds) recall(stored []state.Rate, now time.Time) {
	for what, r := range s.all() {
		for _, x := range stored {
			if x.What == what && now.Sub(x.At).Abs() < ratesStay { // clocks are put back, too
				r.recall(float64(x.Bytes))
			}
		}
	}
}

// learned returns what was learned since that was last asked.
func (s *speeds) learned(now time.Time) (found []state.Rate) {
	for what, r := range s.all() {
		if r.learned.Swap(false) {
			found = append(found, state.Rate{What: what, Bytes: int64(r.or(0)), At: now})
		}
	}
	return found
}

// recallSpeeds takes what the store knows of the destination.
func (l *link) recallSpeeds(ctx context.Context) error {
	stored, err := l.store.Rates(ctx, l.name)
	l.speeds.recall(stored, l.now())
	return err
}
