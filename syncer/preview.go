package syncer

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Operation is one step that would be taken, with its reason.
type Operation struct {
	Op          Op
	Folder      string
	Destination string
	Path        file.Path
	RemotePath  string
	From        string // of a rename or a copy: the remote path of what is there
	Size        int64
	Spared      int64 // bytes of Size that the destination has already
	Reason      Reason
	Detail      string    // of a hold: what stands in the way
	Until       time.Time // of a wait
	ID          string    // of the intent, where this very version is planned already

	print file.Fingerprint // of the file, where it moves one
}

// Viewer looks at a destination without changing it.
type Viewer interface {
	Stat(ctx context.Context, name string) (remote.Info, error)
	Hash(ctx context.Context, name string, size int64) (sum []byte, command string, err error)
	Capabilities() remote.Capabilities
}

// Previewer tells what a planner would do, and changes nothing, here or there.
type Previewer struct {
	Store  Store
	Folder *Folder
	View   func(destination string) Viewer // nil where the destination cannot be looked at
	Tell   func(Operation)
	Now    func() time.Time

	ground ground
	claims map[string]file.Path            // who is to get a name at a destination that folds names
	taken  map[state.Route]map[string]bool // remote paths that are to get other names
	speeds map[string]*speeds              // of destinations
}

// Scan implements watcher.Sink.
func (p *Previewer) Scan(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	if p.Folder.Order.free() {
		return p.scan(ctx, entries)
	}
	var all []Operation
	ordered := *p
	ordered.Tell = func(o Operation) { all = append(all, o) }
	if err := ordered.scan(ctx, entries); err != nil {
		return err
	}
	for _, o := range p.Folder.Order.arrange(all) {
		p.Tell(o)
	}
	return nil
}

func (p *Previewer) scan(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	var waiting file.Path
	mirror, away, err := p.mirrorPreview(ctx)
	if err != nil {
		return err
	}
	if away {
		return drain(ctx, entries)
	}
	known := ahead(p.Store.Walk(ctx, p.Folder.Name))
	for c, err := range mergeOf(p.Folder).changes(mirror.follow(entries), known, mirror.passed) {
		if err != nil {
			return err
		}
		if c.Decision.Op == Wait {
			if c.Path != waiting {
				p.Tell(Operation{
					Op: Wait, Folder: p.Folder.Name, Path: c.Path, Size: c.Entry.Fingerprint.Size, Reason: ReasonSettling,
					Detail: c.Entry.Reason, Until: c.Entry.Until, print: c.Entry.Fingerprint,
				})
			}
			waiting = c.Path
			continue
		}
		o, ok, err := p.operation(ctx, c)
		if err != nil {
			return err
		}
		if ok {
			mirror.renames(&o)
			p.Tell(o)
		}
	}
	return mirror.end(ctx)
}

// Ready implements watcher.Sink; a preview never waits for files.
func (p *Previewer) Ready(context.Context, []watcher.Entry) error { return nil }

// Status implements watcher.Sink.
func (p *Previewer) Status(watcher.Status) {}

func (p *Previewer) operation(ctx context.Context, c Change) (Operation, bool, error) {
	o := Operation{
		Op: c.Decision.Op, Folder: p.Folder.Name, Destination: c.Destination, Path: c.Path,
		Size: c.Entry.Fingerprint.Size, Reason: c.Decision.Reason, print: c.Entry.Fingerprint,
	}
	if c.Open != nil && o.Op != Upload { // else a newer version is named anew
		o.RemotePath = c.Open.Final
	} else if r, ok := p.Folder.route(c.Destination); ok {
		o.RemotePath = r.RemotePath(c.Path, p.Now())
	}
	switch {
	case o.Op == Upload:
	case o.Op == Nothing && c.Open != nil:
		switch c.Open.Phase {
		case state.Held, state.Parked:
			o.Op, o.Detail = Hold, c.Open.LastError
		case state.Planned, state.Committing:
			o.Op, o.Reason, o.ID = Upload, Reason(c.Open.Reason), c.Open.ID
		default:
			return o, false, nil
		}
		return o, true, nil
	default:
		return o, false, nil // what is forgotten here changes nothing there
	}
	if c.Decision.Compare {
		same, err := p.unchanged(ctx, c)
		if err != nil || same {
			return o, false, err
		}
	}
	return p.compare(ctx, c, o)
}

// speedsOf returns how fast a destination was.
func (p *Previewer) speedsOf(ctx context.Context, destination string) (*speeds, error) {
	if s := p.speeds[destination]; s != nil {
		return s, nil
	}
	stored, err := p.Store.Rates(ctx, destination)
	if err != nil {
		return nil, err
	}
	s := &speeds{}
	s.recall(stored, p.Now())
	if p.speeds == nil {
		p.speeds = map[string]*speeds{}
	}
	p.speeds[destination] = s
	return s, nil
}

// unchanged hashes a touched file.
func (p *Previewer) unchanged(ctx context.Context, c Change) (bool, error) {
	src, err := watcher.Open(p.Folder.Root, c.Path, c.Entry.Fingerprint)
	if err != nil {
		return false, nil //nolint:nilerr // busy or changing: it would be planned again
	}
	defer src.Close() //nolint:errcheck // opened for reading
	sum, err := hashSource(ctx, src)
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return err == nil && bytes.Equal(sum, c.Known.SHA256), nil
}

// compare looks at the final name, as a delivery would.
func (p *Previewer) compare(ctx context.Context, c Change, o Operation) (Operation, bool, error) {
	view := p.View(c.Destination)
	if view == nil {
		return o, true, p.fromThere(ctx, c, nil, nil, &o)
	}
	k, err := p.namesake(ctx, &c, &o)
	if err != nil || k != nil {
		return p.collision(ctx, c, o, k, err)
	}
	d := delivery{store: p.Store, session: viewOnly{Viewer: view}, folder: p.Folder, now: p.Now, observe: func(Event) {}}
	d.intent.Route = state.Route{Folder: p.Folder.Name, Destination: c.Destination}
	d.intent.Path, d.intent.Final, d.intent.Fingerprint, d.intent.ReadyAt = c.Path, o.RemotePath, c.Entry.Fingerprint, p.Now()
	if d.speeds, err = p.speedsOf(ctx, c.Destination); err != nil {
		return o, false, err
	}
	if r, ok := p.Folder.route(c.Destination); ok {
		d.intent.Temp = r.temp(o.RemotePath, "preview")
	}
	standing, info, err := d.standing(ctx)
	if err != nil {
		return o, false, err
	}
	if standing == Free || standing == Ours || standing == Unseen {
		d.ours = standing == Ours
		err := p.fromThere(ctx, c, view, &d, &o)
		if err == nil && d.ours && o.Op == Upload {
			err = p.spares(ctx, &d, &o)
		}
		return o, true, err
	}
	src, err := watcher.Open(p.Folder.Root, c.Path, c.Entry.Fingerprint)
	if err != nil {
		return o, true, nil //nolint:nilerr // busy or changing: what is said of it now holds only for now
	}
	defer src.Close() //nolint:errcheck // opened for reading
	_, same, err := d.adoptable(ctx, src, standing, info)
	switch {
	case err != nil:
		return o, false, err
	case same:
		o.Op, o.Reason = Adopt, ReasonSameContent
	case d.mayReplace(info), d.mayMoveAside(info):
		o.Reason = ReasonConflict
	default:
		o.Op, o.Reason, o.Detail = Hold, ReasonConflict, conflict(o.RemotePath, info, nil).Error()
	}
	if why := d.uncompared(view.Capabilities(), info, src.Size()); !same && why != "" {
		o.Detail = strings.TrimPrefix(o.Detail+"; "+why, "; ")
	}
	return o, true, nil
}

// uncompared says why a preview does not know whether a file at the final name is the one that is to be sent, where a delivery finds it
// out; "" where it does not, or the preview knows.
func (d *delivery) uncompared(can remote.Capabilities, final *remote.Info, size int64) string {
	switch {
	case d.folder.endsStory() || !final.Mode.IsRegular() || final.Size != size && final.Size != remote.Untold:
		return ""
	case can.ProbedAt.IsZero():
		return unprobed
	case can.Hashes() || final.Size > d.readToAdopt(false):
		return ""
	}
	return unreadBack
}

// unreadBack is said of a file whose content may be the same, at a server that does not hash.
const unreadBack = "whether its content is the same is not known: the server does not hash, and a plan reads nothing back. `dropferry once` " +
	"does, and takes a file with the same content for delivered"

// unprobed is said of a file whose content may be the same, where nobody has found out how the server tells.
const unprobed = "whether its content is the same is not known: nothing has been delivered to this server yet, so that it was never " +
	"probed for a way to compare. `dropferry once` does that first, and takes a file with the same content for delivered"

// viewOnly is a session for looking only; anything else would be a fault of this program and panics on the nil inside.
type viewOnly struct {
	Viewer
	Session
}

func (v viewOnly) Stat(ctx context.Context, name string) (remote.Info, error) {
	return v.Viewer.Stat(ctx, name)
}

// RoundTrip and Limit say that nothing is known of the line.
func (v viewOnly) RoundTrip() time.Duration { return 0 }
func (v viewOnly) Limit() int64             { return 0 }
func (v viewOnly) ForeseePatch(int64)       {}

func (v viewOnly) Capabilities() remote.Capabilities { return v.Viewer.Capabilities() }

func (v viewOnly) Hash(ctx context.Context, name string, size int64) ([]byte, string, error) {
	return v.Viewer.Hash(ctx, name, size)
}

// Verify proves nothing: to read a file back costs more than a look may.
func (v viewOnly) Verify(_ context.Context, name string, _ int64, _ []byte, _ remote.Demand) (remote.Info, remote.Evidence, error) {
	return remote.Info{}, remote.Evidence{}, &remote.Error{Op: "verify", Path: name, Kind: remote.Unsupported, Err: errOnlyLooks}
}

// ReadBack neither.
func (v viewOnly) ReadBack(_ context.Context, name string) ([]byte, error) {
	return nil, &remote.Error{Op: "read", Path: name, Kind: remote.Unsupported, Err: errOnlyLooks}
}

// errOnlyLooks is for what a preview does not do.
var errOnlyLooks = errors.New("only looked at")
