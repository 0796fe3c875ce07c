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

// planBatch is how many intents are written in one transaction, or a few more: all routes of a file are planned at once,
// so that none of them counts as the only one.
const planBatch = 256

// Planner turns what a folder's watcher tells into intents. It is the watcher's Sink: its methods are called from one
// goroutine, the watcher's.
type Planner struct {
	store     Store
	folder    *Folder
	poke      func(destination string)
	takeAway  func(ctx context.Context, folder *Folder, version string)
	ended     func(ctx context.Context, id string) // an intent has been taken back
	observe   Observer
	now       func() time.Time
	unwatched func() bool // nobody hears hints
	stuck     time.Time   // what began to settle until then was told of, if it is stuck; of Status alone
	alarm     alarm

	mu       sync.Mutex
	status   watcher.Status
	cycle    cycle
	sight    sight
	deferred map[string]map[file.Path]watcher.Entry // by the intent that stands in the way
}

// Scan plans what a scan shows, and puts away what earlier runs could not.
func (p *Planner) Scan(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	p.forgetDeferred() // a scan comes to all of them
	g, err := groundOf(ctx, p.store, p.folder)
	if err != nil {
		return err
	}
	c, away, err := p.beginCycle(ctx, &g)
	if err != nil {
		return err
	}
	if away {
		return drain(ctx, entries)
	}
	var look *looking
	if !p.folder.Order.free() {
		look = p.beginLook()
		entries = look.follow(entries)
	}
	known := ahead(p.store.Walk(ctx, p.folder.Name))
	m, numbers := mergeOf(p.folder), &renumbering{store: p.store, folder: p.folder.Name, ground: &g}
	m.seen = func(e watcher.Entry, r state.Record) error { return numbers.look(ctx, e, r) }
	if err := p.apply(ctx, &g, m.changes(c.follow(entries), known, c.passed)); err != nil {
		return err
	}
	if err := numbers.end(ctx); err != nil {
		return err
	}
	p.endLook(look)
	if err := p.reviewCollisions(ctx, &g); err != nil {
		return err
	}
	ended, err := p.store.Ended(ctx, p.folder.Name, maxMissing)
	if err != nil {
		return err
	}
	for _, intents := range ended {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.takeAway(ctx, p.folder, intents[0].Version)
	}
	return p.endCycle(ctx, c)
}

// Ready plans files that have settled.
func (p *Planner) Ready(ctx context.Context, entries []watcher.Entry) error {
	if p.mayBeAway() {
		return nil
	}
	if err := p.seenAgain(ctx, entries); err != nil {
		return err
	}
	g := ground{folder: p.folder}
	if p.folder.Mirror { // else nothing is asked of it
		var err error
		if g, err = groundOf(ctx, p.store, p.folder); err != nil {
			return err
		}
	}
	m := mergeOf(p.folder)
	return p.apply(ctx, &g, func(yield func(Change, error) bool) {
		for _, e := range entries {
			record, err := p.store.Lookup(ctx, p.folder.Name, e.Path)
			if err != nil {
				yield(Change{}, err)
				return
			}
			if !m.present(e, record, yield) {
				return
			}
		}
	})
}

// Status keeps what the watcher says of itself.
func (p *Planner) Status(s watcher.Status) {
	p.mu.Lock()
	before := p.status.Stuck
	p.status = s
	p.mu.Unlock()
	if s.Stuck != before {
		p.tellStuck()
	}
}

// Watching returns what the watcher has last said of itself.
func (p *Planner) Watching() watcher.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status
}

// apply writes decisions to the store, in batches.
func (p *Planner) apply(ctx context.Context, g *ground, changes iter.Seq2[Change, error]) error {
	var batch []planned
	for c, err := range changes {
		if err != nil {
			return err
		}
		if len(batch) >= planBatch && batch[len(batch)-1].change.Path != c.Path {
			if err := p.write(ctx, g, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		switch c.Decision.Op {
		case Upload:
			var from *state.Known
			from, err = movedFrom(ctx, p.store, p.folder, g, &c)
			batch = append(batch, p.plan(c, batch, from))
		case Drop:
			err = p.drop(ctx, g, &c)
		case Forget:
			err = p.forget(ctx, g, &c)
		}
		if err != nil {
			return err
		}
	}
	return p.write(ctx, g, batch)
}

// planned is an intent to be written, with the decision that it comes from.
type planned struct {
	state.Plan
	change Change
}

// plan names the intent for a decision. The routes of one version of a file share the version, with those that were planned
// earlier too.
func (p *Planner) plan(c Change, batch []planned, from *state.Known) planned {
	now, version := p.now(), c.Version
	if n := len(batch); version == "" && n > 0 {
		if last := &batch[n-1]; last.change.Path == c.Path && last.change.Entry.Fingerprint == c.Entry.Fingerprint {
			version = last.Intent.Version
		}
	}
	if version == "" {
		version = file.NewID(now)
	}
	in := p.folder.newIntent(c, version, now)
	if from != nil {
		in.MovedFrom, in.Reason = from.Path, string(ReasonMoved)
	}
	turn := p.folder.Order.Turn(c.Path, c.Entry.Fingerprint)
	return planned{Plan: state.Plan{Intent: in, Supersedes: c.Decision.Supersedes, Turn: turn}, change: c}
}

func (p *Planner) drop(ctx context.Context, g *ground, c *Change) error {
	if c.Decision.Reason == ReasonRemoved && !g.hasLeft(c.Path, c.Open.Fingerprint.Dev) {
		return nil
	}
	if err := leaveDirs(ctx, p.store, p.folder, c.Destination, c.Path); err != nil {
		return err
	}
	if c.Open.Phase == state.Cancelled {
		_, err := p.store.Lift(ctx, c.Open.ID)
		p.closeVersion(ctx, c.Open)
		return err
	}
	dropped, err := p.store.Drop(ctx, c.Open.ID)
	if err != nil || !dropped { // its link was faster: it is published, or the link has dropped it
		return err
	}
	p.takenBack(ctx, c)
	p.poke(c.Destination) // to sweep
	return nil
}

func (p *Planner) forget(ctx context.Context, g *ground, c *Change) error {
	if !g.hasLeft(c.Path, c.Known.Fingerprint.Dev) {
		return nil
	}
	return p.store.Forget(ctx, p.folder.Name, []file.Path{c.Path})
}

// takenBack tells of an intent that was dropped or superseded.
func (p *Planner) takenBack(ctx context.Context, c *Change) {
	e := eventOf(EventDropped, c.Open)
	e.At, e.Reason = p.now(), string(c.Decision.Reason)
	p.observe(e)
	p.ended(ctx, c.Open.ID)
	p.closeVersion(ctx, c.Open)
}

func (p *Planner) write(ctx context.Context, g *ground, batch []planned) error {
	if len(batch) == 0 {
		return nil
	}
	plans := make([]state.Plan, len(batch))
	for i := range batch {
		plans[i] = batch[i].Plan
	}
	crashpoint("before-plan")
	results, err := p.store.Plan(ctx, plans) // T1
	if err != nil {
		return err
	}
	crashpoint("planned")
	woken := map[string]bool{}
	for i, result := range results {
		b := &batch[i]
		if result.Collides != nil {
			if result, err = p.collide(ctx, g, b, result.Collides); err != nil {
				return err
			}
		}
		if !result.OK {
			if err := p.deferUntil(ctx, result.Other, b.change.Entry); err != nil {
				return err
			}
			continue
		}
		if b.Supersedes != "" {
			p.takenBack(ctx, &b.change)
		}
		e := eventOf(EventPlanned, &b.Intent)
		if b.Intent.Phase == state.Held {
			e.Type, e.Reason = EventHeld, b.Intent.LastError
		}
		e.At = b.Intent.ReadyAt
		p.observe(e)
		woken[b.Intent.Destination] = true
	}
	for destination := range woken {
		p.poke(destination)
	}
	return nil
}

// deferUntil remembers a file that cannot be planned while another intent holds its final name, or is about to be
// published.
func (p *Planner) deferUntil(ctx context.Context, id string, e watcher.Entry) error {
	p.mu.Lock()
	if p.deferred[id] == nil {
		p.deferred[id] = map[file.Path]watcher.Entry{}
	}
	p.deferred[id][e.Path] = e
	p.mu.Unlock()
	other, found, err := p.store.Intent(ctx, id)
	if err == nil && (!found || other.Phase == state.Delivered || other.Phase == state.Cancelled) { // it has ended meanwhile
		p.released(ctx, id)
	}
	return err
}

// released has the files looked at again that waited for an intent, now that it has ended. Where nobody heeds hints they
// are planned at once.
func (p *Planner) released(ctx context.Context, id string) {
	p.mu.Lock()
	waiting := p.deferred[id]
	delete(p.deferred, id)
	p.mu.Unlock()
	var entries []watcher.Entry
	for path, e := range waiting {
		p.folder.Hint(path)
		entries = append(entries, e)
	}
	if !p.unwatched() || len(entries) == 0 {
		return
	}
	if err := p.Ready(ctx, entries); err != nil { // they count as waiting, so that nobody takes them for sent
		p.mu.Lock()
		p.deferred[id] = waiting
		p.mu.Unlock()
	}
}

// deferredBehind returns the id of an intent that a file waits for before it can be planned; "" where it does not.
func (p *Planner) deferredBehind(path file.Path) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, paths := range p.deferred {
		if _, waits := paths[path]; waits {
			return id
		}
	}
	return ""
}

func (p *Planner) forgetDeferred() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.deferred)
}

// Deferred returns how many files wait for another file's intent, counted once for each intent that they wait for.
func (p *Planner) Deferred() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, paths := range p.deferred {
		n += len(paths)
	}
	return n
}
