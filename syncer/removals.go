package syncer

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// removalBatch is how many operations are written in one transaction.
const removalBatch = 500

// planRemovals plans the removal of files that are missing for long enough.
func (p *Planner) planRemovals(ctx context.Context, c *census, s situation, before time.Time) error {
	f, at := p.folder, p.folder.places()
	planned, passed := map[file.Path]bool{}, map[file.Path]bool{} // no more than may be removed
	left := map[dirKey]bool{}
	for after := file.Path(""); ; {
		known, err := p.store.RipeFiles(ctx, f.Name, f.destinations(), before, after, removalBatch)
		if err != nil {
			return err
		}
		var all []state.Operation
		var dirs []state.Dir
		for i := range known {
			k := &known[i]
			r, ok := f.route(k.Destination)
			passed[k.Path] = true
			if !ok || at.elsewhere(k.Destination, k.Path, k.RemotePath) {
				continue
			}
			planned[k.Path] = true
			o := p.operation(state.StepDelete, k.Destination, k.Path, k.RemotePath, c)
			o.Trash = trashPath(r.Trash, p.cycle.now, strings.TrimPrefix(k.RemotePath, r.dir()))
			all = append(all, o)
			for _, d := range dirsAbove(f, r, k.Path) {
				if key := (dirKey{d.Path, d.Destination}); !left[key] {
					left[key] = true
					dirs = append(dirs, d)
				}
			}
		}
		// Another file may be all that the directory holds by now, and may never get there.
		if err := p.store.SaveDirs(ctx, dirs); err != nil {
			return err
		}
		if err := p.planOperations(ctx, all); err != nil {
			return err
		}
		if len(known) < removalBatch {
			break
		}
		if last := known[len(known)-1].Path; last != after { // other destinations of its last path come with the next cycle
			after = last
		}
	}
	crashpoint("removal-planned")
	if p.cycle.halt == nil {
		return nil
	}
	return p.useUp(ctx, s, len(planned), len(passed))
}

// useUp takes the removals that were planned from what a person has accepted. passed are the missing files that were looked
// at for it.
func (p *Planner) useUp(ctx context.Context, s situation, planned, passed int) (err error) {
	name := p.folder.Name
	rest, some := restOf(s, planned, passed)
	if h := *p.cycle.halt; some && h.Reason == HaltMarker { // the rest holds for this root, and for no other
		h.Reason = HaltTooMany
		_, err = p.store.SetHalt(ctx, h)
	}
	switch {
	case err != nil:
	case some:
		_, err = p.store.AcceptDeletes(ctx, name, rest)
	default:
		_, err = p.store.ClearHalt(ctx, name)
	}
	if err == nil {
		p.cycle.halt, p.cycle.told = nil, "" // the next cycle reads what is on record
	}
	return err
}

// dir returns the remote directory of a mirror's route, with "/" at its end unless it is empty.
func (r Route) dir() string {
	dir, _ := path.Split(r.RemotePath("x", time.Time{})) // templates of a mirror hold nothing of the file or the day
	return dir
}

// trashPath is where a file goes that is removed in the cycle of a moment, by its path in the mirror there; "" where
// there is no trash.
func trashPath(trash string, at time.Time, name string) string {
	if trash == "" {
		return ""
	}
	return path.Join(trash, at.UTC().Format(momentInNames), name)
}

func (p *Planner) operation(step state.Step, destination string, at file.Path, remotePath string, c *census) state.Operation {
	return state.Operation{
		ID: file.NewID(p.cycle.now), Step: step, Route: state.Route{Folder: p.folder.Name, Destination: destination},
		Path: at, RemotePath: remotePath, RootDev: c.ground.root.Dev, RootInode: c.ground.root.Inode, PlannedAt: p.cycle.now,
	}
}

func (p *Planner) planOperations(ctx context.Context, all []state.Operation) error {
	for i := range all {
		p.cycle.fresh[all[i].Destination]++
	}
	return p.store.PlanOperations(ctx, all)
}

// planExpiry plans the end of what was in the trash for long enough.
func (p *Planner) planExpiry(ctx context.Context, now time.Time) error {
	f := p.folder
	old, err := p.store.Expired(ctx, f.Name, now.Add(-f.TrashKeep), 2*removalBatch)
	if err != nil {
		return err
	}
	var all []state.Operation
	for i := range old {
		t := &old[i]
		if _, ok := f.route(t.Destination); !ok {
			continue
		}
		all = append(all, state.Operation{
			ID: file.NewID(now), Step: state.StepExpire, Route: t.Route, Path: t.Path, RemotePath: t.RemotePath, PlannedAt: now,
		})
	}
	return p.planOperations(ctx, all)
}

// awaitNext asks for a scan at the moment when the next file or directory is missing for long enough, or has been in the
// trash for long enough.
func (p *Planner) awaitNext(ctx context.Context, before, missing time.Time) error {
	f := p.folder
	dir, found, err := p.store.NextDir(ctx, f.Name, before)
	if err != nil {
		return err
	}
	var next time.Time
	sooner := func(at time.Time) {
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	if found {
		sooner(dir.Add(f.DeleteDelay))
	}
	if !missing.IsZero() {
		sooner(missing.Add(f.DeleteDelay))
	}
	a := &p.alarm
	a.mu.Lock() // what comes into the trash from here on sets it itself
	defer a.mu.Unlock()
	old, found, err := p.store.NextExpiry(ctx, f.Name, p.cycle.now.Add(-f.TrashKeep))
	if err != nil {
		return err
	}
	if found {
		sooner(old.Add(f.TrashKeep))
	}
	a.stop()
	if !next.IsZero() && f.Rescan != nil && !p.unwatched() {
		a.set(ctx, p.now(), next, f.Rescan)
	}
	return nil
}

// awaitExpiry asks for a scan at the moment when what has come into the trash now has been there for long enough: the scan
// that has planned it knows nothing of that.
func (p *Planner) awaitExpiry(ctx context.Context, trashed time.Time) {
	a, now := &p.alarm, p.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	next := trashed.Add(p.folder.TrashKeep)
	if p.folder.Rescan == nil || p.unwatched() || a.timer != nil && a.due.After(now) && !a.due.After(next) {
		return
	}
	a.stop()
	a.set(ctx, now, next, p.folder.Rescan)
}

// alarm asks for the scan that is due next.
type alarm struct {
	mu     sync.Mutex
	timer  *time.Timer // nil: none is due
	due    time.Time
	unhook func() bool // of timer from its context
}

func (a *alarm) set(ctx context.Context, now, due time.Time, scan func()) {
	timer := time.AfterFunc(max(due.Sub(now), time.Millisecond), scan)
	a.timer, a.due, a.unhook = timer, due, context.AfterFunc(ctx, func() { timer.Stop() })
}

func (a *alarm) stop() {
	if a.timer == nil {
		return
	}
	a.timer.Stop()
	a.unhook()
	a.timer = nil
}
