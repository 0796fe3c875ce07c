package agent

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/samples"
	"github.com/dropferry/dropferry/state"
)

// activity is what went on lately: what was delivered is summed up from the ledger, what waited is looked at once a minute.
type activity struct {
	store   *state.Store
	log     *slog.Logger
	samples *samples.Keeper
	told    string // the failure that was told last

	mu   sync.Mutex
	sums map[string]*sums // by span
}

// sampleEvery is how often it is looked at what waits.
const sampleEvery = time.Minute

// sampleFile is where in the state directory it is kept what was seen.
const sampleFile = "samples"

// newActivity goes on with what earlier runs have seen.
func newActivity(store *state.Store, dir string, log *slog.Logger) *activity {
	keeper, err := samples.Open(filepath.Join(dir, sampleFile))
	if err != nil {
		log.Warn("what waited before is not known to the charts of the page; nothing else needs it", "error", err)
	}
	return &activity{store: store, log: log, samples: keeper, sums: map[string]*sums{}}
}

// run looks at what waits until ctx ends.
func (a *activity) run(ctx context.Context) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		a.look(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// look notes what waits now. What could not be noted is told once.
func (a *activity) look(ctx context.Context, now time.Time) {
	counts, err := a.store.Counts(ctx)
	if err == nil {
		s := samples.Sample{At: now}
		for _, c := range counts {
			s.Queued += c.Planned + c.Committing
			s.Aside += c.Held + c.Parked
		}
		err = a.samples.Note(s)
	}
	switch {
	case err == nil:
		a.told = ""
	case ctx.Err() == nil && err.Error() != a.told:
		a.told = err.Error()
		a.log.Warn("the charts of the page will lack what waits now; nothing else needs it", "error", err)
	}
}

// reach is how far a span reaches back, and in which steps.
func reach(span string) (back, step time.Duration) {
	if span == control.Month {
		return 30 * 24 * time.Hour, time.Hour
	}
	return 24 * time.Hour, 10 * time.Minute
}

// over returns what went on in a span that ends now.
func (a *activity) over(ctx context.Context, span string, now time.Time) (control.Activity, error) {
	back, step := reach(span)
	a.mu.Lock() // for the whole time: two who ask at once are answered by one look at the ledger
	defer a.mu.Unlock()
	s := a.sums[span]
	if s == nil {
		s = &sums{step: step, of: map[time.Time]state.Throughput{}}
		a.sums[span] = s
	}
	first := beginOf(now, step).Add(step - back)
	if err := s.bring(ctx, a.store, first, now); err != nil {
		return control.Activity{}, err
	}
	seen := a.samples.Minutes(now)
	if span == control.Month {
		seen = a.samples.Hours(now)
	}
	return control.Activity{Span: span, Step: int(step.Seconds()), Points: points(first, now, step, s.of, seen)}, nil
}

// beginOf returns when the step begins that a moment is in.
func beginOf(at time.Time, step time.Duration) time.Time {
	n := at.UnixNano()
	return time.Unix(0, n-n%int64(step)).UTC()
}

// points puts together what was delivered and what waited, step by step.
func points(first, now time.Time, step time.Duration, delivered map[time.Time]state.Throughput, seen []samples.Sample) []control.ActivityPoint {
	most := map[time.Time]samples.Sample{}
	for _, s := range seen {
		at := beginOf(s.At, step)
		m := most[at]
		most[at] = samples.Sample{At: at, Queued: max(m.Queued, s.Queued), Aside: max(m.Aside, s.Aside)}
	}
	all := []control.ActivityPoint{}
	for at := first; !at.After(now); at = at.Add(step) {
		d := delivered[at]
		p := control.ActivityPoint{At: at, Deliveries: d.Files, Bytes: d.Bytes}
		if m, known := most[at]; known {
			p.Queued, p.Aside = &m.Queued, &m.Aside
		}
		all = append(all, p)
	}
	return all
}

// throughputs is what sums needs of the store.
type throughputs interface {
	Throughput(ctx context.Context, since, until time.Time, step time.Duration) ([]state.Throughput, error)
}

// sums is what was delivered, step by step. What is over is not read from the ledger again.
type sums struct {
	step  time.Duration
	of    map[time.Time]state.Throughput
	from  time.Time // from here on
	known time.Time // and until here it does not change any more
}

// afterwards is how long a receipt may still come for a moment that is past: it is dated before it is written.
const afterwards = 10 * time.Minute

// bring brings the sums from first on up to date, a day of the ledger at a time.
func (s *sums) bring(ctx context.Context, store throughputs, first, now time.Time) error {
	if s.known.Before(first) || first.Before(s.from) || now.Before(s.known) { // or a clock was set back
		clear(s.of)
		s.from, s.known = first, first
	}
	const day = 24 * time.Hour
	end := beginOf(now, s.step).Add(s.step)
	for at := s.known; at.Before(end); at = at.Add(day) {
		until := at.Add(day)
		if until.After(end) {
			until = end
		}
		part, err := store.Throughput(ctx, at, until, s.step)
		if err != nil {
			return err
		}
		for b := at; b.Before(until); b = b.Add(s.step) {
			delete(s.of, b)
		}
		for _, t := range part {
			s.of[t.Begin] = t
		}
	}
	for at := range s.of {
		if at.Before(first) {
			delete(s.of, at)
		}
	}
	s.from = first
	if over := beginOf(now.Add(-afterwards), s.step); over.After(s.known) {
		s.known = over
	}
	return nil
}
