package syncer

import (
	"context"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Files that have left a mirror are removed at its destinations. Two complete scans, the folder's delay apart, must miss
// a file; then its removal is planned as an operation, which a link executes after it has looked once more at everything
// (remove.go). Where too much is missing, the folder halts instead.

// cycle is what a planner remembers between the scans of a folder that deletes.
type cycle struct {
	begun   bool   // see takeUp
	told    string // reason of the halt that was told of
	trouble error  // why nothing is removed, where nothing can be
	missing bool   // something was missing in the last complete scan
	left    int    // files that are gone, and stay where they were found, in the last complete scan
	// replaced is what the last whole scan has found of files of which others have taken the places
	replaced Replaced
	mark     *state.Mark    // on record; nil: none
	halt     *state.Halt    // on record; nil: none
	now      time.Time      // of the cycle
	fresh    map[string]int // destinations with new operations
}

// beginCycle prepares a scan of what stands on g. away says that the folder is not there: nothing must be planned.
func (p *Planner) beginCycle(ctx context.Context, g *ground) (c *census, away bool, err error) {
	f := p.folder
	if !p.cycle.begun {
		if err := p.takeUp(ctx); err != nil {
			return nil, false, err
		}
		p.cycle.begun = true
	}
	if !g.stands() { // the scan finds that too, and says so
		return nil, false, nil
	}
	if !f.Mirror {
		return nil, false, g.note(ctx, p.store, p)
	}
	id := file.NewID(p.now())
	c = newCensus(id, f, g, func(all []state.Absent) error { return p.store.NoteMissing(ctx, f.Name, id, all) })
	if f.Deletes {
		if err = p.recall(ctx); err == nil {
			away, err = p.isAway(ctx, g)
		}
	}
	if err == nil && !away {
		err = g.note(ctx, p.store, p)
	}
	return c, away, err
}

// takeUp ends what an earlier configuration has left on record.
func (p *Planner) takeUp(ctx context.Context) error {
	if err := p.store.RetireOperations(ctx, p.folder.Name, p.folder.destinations()); err != nil || p.folder.Deletes {
		return err
	}
	return p.store.EndHalting(ctx, p.folder.Name)
}

// recall reads what is on record.
func (p *Planner) recall(ctx context.Context) error {
	mark, found, err := p.store.MarkOf(ctx, p.folder.Name, p.folder.Root)
	if err != nil {
		return err
	}
	if found {
		p.setMark(&mark)
	} else {
		p.setMark(nil)
	}
	h, halted, err := p.store.HaltOf(ctx, p.folder.Name)
	if p.cycle.halt = nil; halted {
		p.cycle.halt = &h
	}
	return err
}

func (p *Planner) setMark(m *state.Mark) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cycle.mark = m
}

// isAway looks for the marker, if one is on record. Without it the folder halts, until it is back or a person accepts
// that there is none.
func (p *Planner) isAway(ctx context.Context, g *ground) (bool, error) {
	if p.cycle.mark == nil {
		return false, nil
	}
	m, err := readMarker(p.folder.Root)
	p.setTrouble(err)
	if err != nil {
		return false, nil // nothing is removed
	}
	h, there := p.cycle.halt, m.is(p.cycle.mark)
	switch {
	case there && h != nil && h.Accepted == nil && h.Reason == HaltMarker:
		return false, p.goOn(ctx, "the marker is back")
	case there:
		return false, nil
	case h != nil && h.Accepted != nil && h.Reason == HaltMarker: // this is the root from now on
		ok, err := p.adopt(ctx, g, m)
		return !ok, err
	}
	return true, p.haltFor(ctx, HaltMarker, situation{foreign: m.there}, nil)
}

// adopt puts the marker that was found on record, or a new one where there is none with an id. It returns false where none
// can be written.
func (p *Planner) adopt(ctx context.Context, g *ground, m rootMarker) (bool, error) {
	if m.id == "" {
		id, err := writeMarker(p.folder.Root, p.now())
		if err != nil {
			err = fmt.Errorf("nothing is removed at the destinations of a folder without a marker: %w", err)
		}
		p.setTrouble(err)
		if err != nil {
			return false, nil
		}
		m.id = id
	}
	mark := state.Mark{Folder: p.folder.Name, Root: p.folder.Root, ID: m.id, Dev: g.root.Dev, At: p.now()}
	err := p.store.SaveMark(ctx, mark)
	if err == nil {
		p.setMark(&mark)
	}
	return err == nil, err
}

// goOn ends a halt whose reason is gone.
func (p *Planner) goOn(ctx context.Context, why string) error {
	p.cycle.halt, p.cycle.told = nil, ""
	ended, err := p.store.ClearHalt(ctx, p.folder.Name)
	if err == nil && ended {
		p.observe(Event{At: p.now(), Type: EventResumed, Folder: p.folder.Name, Reason: why})
		p.pokeAll()
	}
	return err
}

func (p *Planner) pokeAll() {
	for _, d := range p.folder.destinations() {
		p.poke(d)
	}
}

// haltFor halts the folder, and tells of it once.
func (p *Planner) haltFor(ctx context.Context, reason string, s situation, examples []file.Path) error {
	return p.putHalt(ctx, state.Halt{
		Reason: reason, Detail: haltDetail(reason, p.folder.Root, s, examples), Count: s.missing, Examples: examples,
		Began: s.missing, Allowed: s.may(), MaxDelete: s.most,
	})
}

// stayHalted notes what is missing by now.
func (p *Planner) stayHalted(ctx context.Context, s situation, examples []file.Path) error {
	h := *p.cycle.halt
	h.Detail, h.Count, h.Examples = haltedDetail(&h, p.folder.Root, s, examples), s.missing, examples
	return p.putHalt(ctx, h)
}

func (p *Planner) putHalt(ctx context.Context, h state.Halt) error {
	h.Folder, h.Since = p.folder.Name, p.now()
	fresh, err := p.store.SetHalt(ctx, h)
	if err != nil {
		return err
	}
	crashpoint("halted")
	if fresh || p.cycle.told != h.Reason {
		p.cycle.told = h.Reason
		p.observe(Event{At: h.Since, Type: EventHalted, Folder: h.Folder, Reason: h.Detail})
	}
	return nil
}

// setTrouble keeps why nothing is removed, and tells of it when it is new.
func (p *Planner) setTrouble(err error) {
	p.mu.Lock()
	before := p.cycle.trouble
	p.cycle.trouble = err
	p.mu.Unlock()
	if err != nil && (before == nil || before.Error() != err.Error()) {
		p.observe(Event{At: p.now(), Type: EventUnmarked, Folder: p.folder.Name, Err: err, Reason: err.Error()})
	}
}

// Trouble returns why nothing can be removed for the folder, nil where it can.
func (p *Planner) Trouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cycle.trouble
}

// LeftThere returns how many files have left a folder that removes, and stay at destinations all the same: they were found there.
func (p *Planner) LeftThere() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cycle.left
}

// mayBeAway tells whether files that are handed over come from a root that has lost its marker. A scan says so then.
func (p *Planner) mayBeAway() bool {
	p.mu.Lock()
	mark := p.cycle.mark
	p.mu.Unlock()
	if !p.folder.Deletes || mark == nil {
		return false
	}
	m, err := readMarker(p.folder.Root)
	if err != nil || m.is(mark) {
		return false
	}
	p.rescan()
	return true
}

func (p *Planner) rescan() {
	if p.folder.Rescan != nil {
		p.folder.Rescan()
	}
}

// seenAgain takes note that files are there. Those that have just been missing have to be missed twice again.
func (p *Planner) seenAgain(ctx context.Context, entries []watcher.Entry) error {
	p.mu.Lock()
	missing := p.cycle.missing
	p.mu.Unlock()
	if !p.folder.Deletes || !missing || len(entries) == 0 {
		return nil
	}
	paths := make([]file.Path, len(entries))
	for i := range entries {
		paths[i] = entries[i].Path
	}
	_, err := p.store.SeenAgain(ctx, p.folder.Name, paths)
	return err
}

// endCycle draws the conclusions of a scan: which directories are to be made, what is missing, and what of that is to be
// removed.
func (p *Planner) endCycle(ctx context.Context, c *census) error {
	if c == nil || !c.ended || c.mistaken || ctx.Err() != nil {
		return ctx.Err()
	}
	p.cycle.now, p.cycle.fresh = p.now(), map[string]int{}
	p.setReplaced(c.replaced)
	complete, err := c.complete(), p.directories(ctx, c)
	if err == nil {
		err = c.flush()
	}
	switch {
	case err != nil:
	case p.folder.Deletes:
		err = p.store.ConfirmMissing(ctx, p.folder.Name, c.id, p.cycle.now, complete)
		if err == nil && complete {
			err = p.removals(ctx, c)
		}
	default: // what removals have put into the trash before does not stay there for good
		if err = p.planExpiry(ctx, p.cycle.now); err == nil {
			err = p.awaitNext(ctx, p.cycle.now, time.Time{})
		}
	}
	for destination := range p.cycle.fresh {
		p.poke(destination)
	}
	return err
}

// removals decides about what is missing.
func (p *Planner) removals(ctx context.Context, c *census) error {
	f, now := p.folder, p.cycle.now
	before := now.Add(-f.DeleteDelay)
	m, err := p.store.CountMissing(ctx, f.Name, f.destinations(), before)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.cycle.missing, p.cycle.left = m.Files > 0, c.left
	p.mu.Unlock()
	if ok, err := p.mark(ctx, c, m.Files); err != nil || !ok {
		return err
	}
	halted, err := p.decide(ctx, c, m, before)
	if err == nil && !halted {
		err = p.rmdirs(ctx, c, before)
	}
	if err == nil {
		err = p.planExpiry(ctx, now)
	}
	if err == nil {
		err = p.awaitNext(ctx, before, m.Next)
	}
	return err
}

// decide plans the removal of what is missing, or halts the folder.
func (p *Planner) decide(ctx context.Context, c *census, m state.Missing, before time.Time) (halted bool, err error) {
	s := situation{present: c.files, missing: m.Files, ripe: m.Ripe, most: p.folder.MaxDelete}
	if h := p.cycle.halt; h != nil {
		switch {
		case m.Files == 0:
			return false, p.goOn(ctx, "nothing is missing any more")
		case h.Accepted == nil && !isFreed(h, s): // the number may be another by now
			return true, p.stayHalted(ctx, s, m.Examples)
		case h.Accepted == nil:
			if err := p.goOn(ctx, fmt.Sprintf("max_delete is %d by now, and %s missing", s.most, isAre(s.missing))); err != nil {
				return false, err
			}
		default:
			s.accepted = h.Accepted
		}
	}
	switch d := decideRemoval(s); {
	case d.halt != "":
		return true, p.haltFor(ctx, d.halt, s, m.Examples)
	case d.remove:
		return false, p.planRemovals(ctx, c, s, before)
	}
	return false, nil
}

// mark makes sure that the root has its marker, which is on record. It returns false where it has not: nothing is removed
// then. A root without a file gets none: it may be the place where a disk is to be mounted.
func (p *Planner) mark(ctx context.Context, c *census, missing int) (bool, error) {
	m, err := readMarker(p.folder.Root)
	p.setTrouble(err)
	if err != nil {
		return false, nil
	}
	mark, empty := p.cycle.mark, c.files == 0 && !p.accepted()
	switch {
	case mark != nil && !m.is(mark): // it was there before the scan
		return false, p.haltFor(ctx, HaltMarker, situation{foreign: m.there}, nil)
	case mark != nil && mark.ID != "":
		return true, nil
	case mark == nil && empty && !m.there:
		return missing > 0, nil // it halts as emptied once that has lasted
	case mark != nil && empty: // an old one, without an id
		return true, nil
	}
	return p.adopt(ctx, c.ground, m)
}

func (p *Planner) accepted() bool { return p.cycle.halt != nil && p.cycle.halt.Accepted != nil }
