package syncer

import (
	"context"
	"iter"
	"path"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// mirrorPreview tells what a scan means for what has left a mirror, and for its directories. It notes nothing.
type mirrorPreview struct {
	*Previewer
	census *census
	halt   *state.Halt
	now    time.Time

	missing []state.Record // ours, and gone
	moved   map[string]map[string]bool
}

// mirrorPreview prepares one. away says that the folder has lost its marker: nothing else is to be said of it.
func (p *Previewer) mirrorPreview(ctx context.Context) (m *mirrorPreview, away bool, err error) {
	f := p.Folder
	m = &mirrorPreview{Previewer: p, now: p.Now(), moved: map[string]map[string]bool{}}
	if m.ground, err = groundOf(ctx, p.Store, f); err != nil || !f.Mirror || !m.ground.stands() {
		return m, false, err
	}
	m.census = newCensus("", f, &m.ground, func([]state.Absent) error { return nil })
	if !f.Deletes {
		return m, false, nil
	}
	h, halted, err := p.Store.HaltOf(ctx, f.Name)
	if err != nil {
		return m, false, err
	}
	if halted && h.Accepted == nil {
		m.halt = &h
	}
	mark, marked, err := p.Store.MarkOf(ctx, f.Name, f.Root)
	if err != nil || !marked {
		return m, false, err
	}
	marker, err := readMarker(f.Root)
	if err != nil || marker.is(&mark) || halted && h.Accepted != nil && h.Reason == HaltMarker {
		return m, false, nil //nolint:nilerr // the scan says what cannot be read
	}
	p.tellHalt(haltDetail(HaltMarker, f.Root, situation{foreign: marker.there}, nil))
	return m, true, nil
}

// follow passes entries on.
func (m *mirrorPreview) follow(entries iter.Seq[watcher.Entry]) iter.Seq[watcher.Entry] {
	return m.census.follow(entries)
}

// passed takes a record without a file.
func (m *mirrorPreview) passed(r state.Record) error {
	c := m.census
	if c == nil || !c.folder.Deletes {
		return nil
	}
	before := c.missed
	if err := c.passed(r); err != nil {
		return err
	}
	if c.missed != before {
		m.missing = append(m.missing, r)
	}
	return nil
}

// renames takes note of what would get another name: it is not removed.
func (m *mirrorPreview) renames(o *Operation) {
	if o.Op != Rename {
		return
	}
	if m.moved[o.Destination] == nil {
		m.moved[o.Destination] = map[string]bool{}
	}
	m.moved[o.Destination][o.From] = true
}

// end tells what the scan means.
func (m *mirrorPreview) end(ctx context.Context) error {
	c := m.census
	if c == nil || !c.ended || c.mistaken {
		return nil
	}
	if err := m.directories(ctx); err != nil {
		return err
	}
	if m.Folder.Deletes {
		if !c.complete() {
			return nil
		}
		if err := m.removals(ctx); err != nil {
			return err
		}
	}
	return m.expired(ctx)
}

// removals tells of files that have left.
func (m *mirrorPreview) removals(ctx context.Context) error {
	var all []Operation
	s := situation{present: m.census.files, most: m.Folder.MaxDelete}
	if h, found, err := m.Store.HaltOf(ctx, m.Folder.Name); err != nil {
		return err
	} else if found {
		s.accepted = h.Accepted
	}
	var examples []file.Path
	for i := range m.missing {
		of, ripe, err := m.removal(ctx, &m.missing[i])
		if err != nil {
			return err
		}
		if of.fresh {
			if s.missing++; len(examples) < 3 {
				examples = append(examples, m.missing[i].Path)
			}
			if ripe {
				s.ripe++
			}
		}
		all = append(all, of.operations...)
	}
	if m.halt != nil && s.missing > 0 && !isFreed(m.halt, s) {
		m.tellHalt(haltedDetail(m.halt, m.Folder.Root, s, examples))
		return nil
	}
	if d := decideRemoval(s); d.halt != "" {
		m.tellHalt(haltDetail(d.halt, m.Folder.Root, s, examples))
		return nil
	}
	for i := range all {
		if err := m.tellRemoval(ctx, &all[i]); err != nil {
			return err
		}
	}
	return nil
}

// planOf is what would be done about one file.
type planOf struct {
	operations []Operation
	fresh      bool // something of it is not planned yet
}

func (m *mirrorPreview) removal(ctx context.Context, r *state.Record) (of planOf, ripe bool, err error) {
	f := m.Folder
	since, noted, err := m.Store.MissingSince(ctx, f.Name, r.Path, false)
	if err != nil {
		return of, false, err
	}
	if !noted {
		since = m.now
	}
	due := since.Add(f.DeleteDelay)
	ripe = noted && !due.After(m.now)
	planned, err := m.Store.OperationsOf(ctx, f.Name, r.Path)
	if err != nil {
		return of, false, err
	}
	for i := range r.Known {
		k := &r.Known[i]
		if _, ok := f.route(k.Destination); !ok || !k.Owned || m.moved[k.Destination][k.RemotePath] {
			continue
		}
		o := Operation{
			Op: Remove, Folder: f.Name, Destination: k.Destination, Path: k.Path, RemotePath: k.RemotePath,
			Size: k.Fingerprint.Size, Reason: ReasonRemoved,
		}
		isPlanned := slices.ContainsFunc(planned, func(p state.Operation) bool {
			return p.Step == state.StepDelete && p.Destination == k.Destination
		})
		of.fresh = of.fresh || !isPlanned
		if !isPlanned && !ripe {
			o.Op, o.Until, o.Detail = Wait, due, "missing, and removed if it still is then"
		}
		of.operations = append(of.operations, o)
	}
	return of, ripe, nil
}

// tellRemoval tells of a removal as it would end.
func (m *mirrorPreview) tellRemoval(ctx context.Context, o *Operation) error {
	if o.Op == Remove {
		if skip, err := m.stays(ctx, o); err != nil || skip {
			return err
		}
	}
	m.Tell(*o)
	return nil
}

// stays looks whether the file would be kept at the destination. It returns true where there is nothing to be done.
func (m *mirrorPreview) stays(ctx context.Context, o *Operation) (bool, error) {
	view := m.View(o.Destination)
	if view == nil {
		return false, nil
	}
	record, err := m.Store.Lookup(ctx, o.Folder, o.Path)
	k := knownOf(record, o.Destination)
	if err != nil || k == nil {
		return false, err
	}
	info, err := stands(ctx, view, o.RemotePath)
	if err != nil || info == nil {
		return err == nil, err
	}
	like, err := liken(ctx, m.Store, viewOnly{Viewer: view}, k, info, readNone)
	switch {
	case err != nil:
	case like == isOther, like == isUntold && (m.Folder.Verify == remote.Size || info.Size > readToKnow && m.trashes(o.Destination)):
		o.Op, o.Reason, o.Detail = KeepThere, ReasonConflict, changedThere(info)
	case like == isUntold:
		o.Detail = "it has another time there: it stays if it has other content too, for which it is read back first"
	}
	return false, err
}

func (m *mirrorPreview) trashes(destination string) bool {
	r, _ := m.Folder.route(destination)
	return r.Trash != ""
}

// directories tells which would be made and removed.
func (m *mirrorPreview) directories(ctx context.Context) error {
	f, c := m.Folder, m.census
	known, err := m.Store.Dirs(ctx, f.Name)
	if err != nil {
		return err
	}
	for _, d := range c.unmade(known) {
		m.Tell(Operation{Op: MakeDir, Folder: f.Name, Destination: d.Destination, Path: d.Path, RemotePath: d.RemotePath, Reason: ReasonNew})
	}
	if !f.Deletes || !c.complete() || m.halt != nil {
		return nil
	}
	for i := range known {
		d := &known[i]
		since, noted, err := m.Store.MissingSince(ctx, f.Name, d.Path, true)
		if err != nil {
			return err
		}
		if _, ok := f.route(d.Destination); !ok || !noted || !m.ground.lacksDir(d.Path) {
			continue
		}
		o := Operation{Op: RemoveDir, Folder: f.Name, Destination: d.Destination, Path: d.Path, RemotePath: d.RemotePath, Reason: ReasonRemoved}
		fold, err := m.Store.FoldingOf(ctx, d.Destination)
		if err != nil {
			return err
		}
		r, _ := f.route(d.Destination)
		if to := respelledTo(f, r, fold, d.Path, d.RemotePath); to != nil {
			if path.Base(to.remote) == path.Base(d.RemotePath) { // those above it are renamed
				continue
			}
			o.Op, o.Path, o.RemotePath, o.From, o.Reason = Rename, to.path, to.remote, d.RemotePath, ReasonMoved
		}
		if due := since.Add(f.DeleteDelay); due.After(m.now) {
			o.Op, o.Until, o.Detail = Wait, due, "missing, and removed if it still is then"
		}
		m.Tell(o)
	}
	return nil
}

// expired tells what has been in the trash for long enough.
func (m *mirrorPreview) expired(ctx context.Context) error {
	old, err := m.Store.Expired(ctx, m.Folder.Name, m.now.Add(-m.Folder.TrashKeep), 2*removalBatch)
	for i := range old {
		t := &old[i]
		if _, ok := m.Folder.route(t.Destination); ok {
			m.Tell(Operation{
				Op: Remove, Folder: t.Folder, Destination: t.Destination, Path: t.Path, RemotePath: t.RemotePath, Size: t.Size, Reason: ReasonExpired,
			})
		}
	}
	return err
}

func (p *Previewer) tellHalt(why string) {
	p.Tell(Operation{Op: Hold, Folder: p.Folder.Name, Reason: ReasonHalted, Detail: why})
}
