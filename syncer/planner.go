package syncer

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// planBatch is how many intents are written in one transaction.
const planBatch = 256

// Planner turns what a folder's watcher tells into intents. It is the watcher's Sink: its methods are called from one
// goroutine, the watcher's.
type Planner struct {
	store    Store
	folder   *Folder
	poke     func(destination string)
	takeAway func(ctx context.Context, folder *Folder, version string)
	observe  Observer
	now      func() time.Time

	mu       sync.Mutex
	status   watcher.Status
	deferred map[string][]file.Path // by the intent that stands in the way
}

// Scan plans what a scan shows, and puts away what earlier runs could not.
func (p *Planner) Scan(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	known := p.store.Walk(ctx, p.folder.Name)
	if err := p.apply(ctx, changes(entries, known, p.folder.destinations(), p.folder.endsStory())); err != nil {
		return err
	}
	if !p.folder.endsStory() {
		return nil
	}
	ended, err := p.store.Ended(ctx, p.folder.Name, maxMissing)
	if err != nil {
		return err
	}
	for _, intents := range ended {
		p.takeAway(ctx, p.folder, intents[0].Version)
	}
	return nil
}

// Ready plans files that have settled.
func (p *Planner) Ready(ctx context.Context, entries []watcher.Entry) error {
	return p.apply(ctx, func(yield func(Change, error) bool) {
		for _, e := range entries {
			record, err := p.store.Lookup(ctx, p.folder.Name, e.Path)
			if err != nil {
				yield(Change{}, err)
				return
			}
			if !yieldRoutes(e, record, p.folder.destinations(), p.folder.endsStory(), yield) {
				return
			}
		}
	})
}

// Status keeps what the watcher says of itself.
func (p *Planner) Status(s watcher.Status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = s
}

// Watching returns what the watcher has last said of itself.
func (p *Planner) Watching() watcher.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// apply writes decisions to the store, in batches.
func (p *Planner) apply(ctx context.Context, changes iter.Seq2[Change, error]) error {
	var plans []state.Plan
	var versionPath file.Path
	var version string
	flush := func() error {
		err := p.write(ctx, plans)
		plans = nil
		return err
	}
	for c, err := range changes {
		if err != nil {
			return err
		}
		switch c.Decision.Op {
		case Upload:
			now := p.now()
			switch {
			case c.Version != "":
				version = c.Version
			case c.Path != versionPath || version == "":
				version = file.NewID(now)
			}
			versionPath = c.Path
			plans = append(plans, state.Plan{Intent: p.folder.newIntent(c, version, now), Supersedes: c.Decision.Supersedes})
			if len(plans) >= planBatch {
				if err := flush(); err != nil {
					return err
				}
			}
		case Drop:
			if err := p.drop(ctx, c); err != nil {
				return err
			}
		case Forget:
			if err := p.store.Forget(ctx, p.folder.Name, []file.Path{c.Path}); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (p *Planner) drop(ctx context.Context, c Change) error {
	if _, err := p.store.Drop(ctx, c.Decision.Supersedes); err != nil {
		return err
	}
	e := eventOf(EventDropped, c.Open)
	e.At, e.Reason = p.now(), string(c.Decision.Reason)
	p.observe(e)
	p.poke(c.Destination) // to sweep
	return nil
}

func (p *Planner) write(ctx context.Context, plans []state.Plan) error {
	if len(plans) == 0 {
		return nil
	}
	crashpoint("before-plan")
	planned, err := p.store.Plan(ctx, plans) // T1
	if err != nil {
		return err
	}
	crashpoint("planned")
	woken := map[string]bool{}
	for i, result := range planned {
		intent := plans[i].Intent
		if !result.OK {
			p.deferUntil(result.Other, intent.Path)
			continue
		}
		e := eventOf(EventPlanned, &intent)
		e.At = intent.ReadyAt
		p.observe(e)
		woken[intent.Destination] = true
	}
	for destination := range woken {
		p.poke(destination)
	}
	return nil
}

// deferUntil remembers a file that cannot be planned while another intent holds its final name.
func (p *Planner) deferUntil(id string, path file.Path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deferred[id] = append(p.deferred[id], path)
}

// released has the files looked at again that waited for an intent, now that it has ended.
func (p *Planner) released(id string) {
	p.mu.Lock()
	paths := p.deferred[id]
	delete(p.deferred, id)
	p.mu.Unlock()
	for _, path := range paths {
		p.folder.Hint(path)
	}
}

// Deferred returns how many files wait for another file's intent.
func (p *Planner) Deferred() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, paths := range p.deferred {
		n += len(paths)
	}
	return n
}
