package agent

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// arrival is when a file came to a folder.
type arrival struct {
	since time.Time // it has been looked for, in this way
	last  time.Time // zero: none has come since
}

// arrivals notes when files come to folders where they are expected. It is kept in the store, so that a restart does not
// make a folder look empty.
type arrivals struct {
	store metaStore

	mu      sync.Mutex
	came    map[string]time.Time // that is not in the store yet
	folders map[string]arrivalRecord
}

// arrivalRecord is an arrival as it is kept.
type arrivalRecord struct {
	Expect string    `json:"expect"` // how the configuration says it
	Since  time.Time `json:"since"`
	Last   time.Time `json:"last,omitzero"`
}

func newArrivals(store *state.Store) *arrivals {
	return &arrivals{store: store, came: map[string]time.Time{}, folders: map[string]arrivalRecord{}}
}

func arrivalKey(folder string) string { return "arrivals " + folder }

// hear notes that a file was planned: it had come then.
func (a *arrivals) hear(e syncer.Event) {
	if e.Type != syncer.EventPlanned && e.Type != syncer.EventHeld {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.At.After(a.came[e.Folder]) {
		a.came[e.Folder] = e.At
	}
}

// of returns what is known of a folder. Where nothing is, or something else was expected so far, the looking begins now.
func (a *arrivals) of(ctx context.Context, f *config.Folder, now time.Time) (arrival, error) {
	a.mu.Lock()
	r, known := a.folders[f.Name]
	came := a.came[f.Name]
	a.mu.Unlock()
	if !known {
		text, err := a.store.Meta(ctx, arrivalKey(f.Name))
		if err != nil {
			return arrival{}, err
		}
		if text != "" {
			if err := json.Unmarshal([]byte(text), &r); err != nil { // of another version: the looking begins anew
				r = arrivalRecord{}
			}
		}
	}
	if r.Expect != f.Expect.String() {
		r = arrivalRecord{Expect: f.Expect.String(), Since: now, Last: r.Last}
		if err := a.put(ctx, f.Name, r); err != nil {
			return arrival{}, err
		}
	}
	a.mu.Lock()
	a.folders[f.Name] = r
	a.mu.Unlock()
	if came.After(r.Last) {
		r.Last = came
	}
	return arrival{since: r.Since, last: r.Last}, nil
}

// save writes down what has come, where somebody expects it.
func (a *arrivals) save(ctx context.Context) error {
	a.mu.Lock()
	came := maps.Clone(a.came)
	a.mu.Unlock()
	for folder, at := range came {
		a.mu.Lock()
		r, expected := a.folders[folder]
		a.mu.Unlock()
		if !expected || !at.After(r.Last) {
			continue
		}
		r.Last = at
		if err := a.put(ctx, folder, r); err != nil {
			return err
		}
	}
	return nil
}

func (a *arrivals) put(ctx context.Context, folder string, r arrivalRecord) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := a.store.SetMeta(ctx, arrivalKey(folder), string(text)); err != nil {
		return err
	}
	a.mu.Lock()
	a.folders[folder] = r
	a.mu.Unlock()
	return nil
}
