package syncer

import (
	"bytes"
	"context"
	"slices"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// fromThere tells of a file that the destination has already, under an old name or under another one, as far as can be said
// without asking it to hash; view is nil where it cannot be asked at all.
func (p *Previewer) fromThere(ctx context.Context, c Change, view Viewer, o *Operation) error {
	k, err := movedFrom(ctx, p.Store, p.Folder, &p.ground, &c)
	if err != nil {
		return err
	}
	if k != nil && p.mayTake(ctx, view, k) {
		same, err := p.unchanged(ctx, Change{Path: c.Path, Entry: c.Entry, Known: k})
		if err != nil {
			return err
		}
		if same {
			p.take(o, k)
			return nil
		}
	}
	return p.alike(ctx, c, view, o)
}

// alike tells of a file of the same content that the destination has: see moveOrCopy.
func (p *Previewer) alike(ctx context.Context, c Change, view Viewer, o *Operation) error {
	f, size := p.Folder, c.Entry.Fingerprint.Size
	r, _ := f.route(c.Destination)
	copies := false
	if view != nil {
		can := view.Capabilities()
		copies = can.Hashes() && can.Copies()
	}
	if !copies && !f.mayMove() || r.Direct || f.endsStory() || size < leastCopy {
		return nil
	}
	sized, err := p.Store.Alike(ctx, state.Route{Folder: f.Name, Destination: c.Destination}, size, 0, movesTried)
	if err != nil || len(sized) == 0 {
		return err
	}
	src, err := watcher.Open(f.Root, c.Path, c.Entry.Fingerprint)
	if err != nil {
		return nil //nolint:nilerr // busy or changing: it would be planned again
	}
	defer src.Close() //nolint:errcheck // opened for reading
	sum, err := hashSource(ctx, src)
	if err != nil {
		return ctx.Err()
	}
	others := slices.DeleteFunc(sized, func(k state.Known) bool {
		return k.Path == c.Path || k.RemotePath == o.RemotePath || !bytes.Equal(k.SHA256, sum) || !p.mayTake(ctx, view, &k)
	})
	moved := slices.IndexFunc(others, func(k state.Known) bool {
		return f.mayMove() && movable(&k) && p.ground.fileHasLeft(k.Path, k.Fingerprint.Dev)
	})
	switch {
	case moved >= 0:
		p.take(o, &others[moved])
	case copies && len(others) > 0:
		o.Op, o.From = Copy, others[0].RemotePath
	}
	return nil
}

// mayTake tells whether the destination may still have a known file, and no other one is to be made of it.
func (p *Previewer) mayTake(ctx context.Context, view Viewer, k *state.Known) bool {
	if p.taken[k.Route][k.RemotePath] {
		return false
	}
	if view == nil {
		return true
	}
	old, err := view.Stat(ctx, k.RemotePath)
	return err == nil && old.Mode.IsRegular() && old.Size == k.Fingerprint.Size // else the file would be sent
}

// take tells that a known file gets another name.
func (p *Previewer) take(o *Operation, k *state.Known) {
	o.Op, o.Reason, o.From = Rename, ReasonMoved, k.RemotePath
	if p.taken == nil {
		p.taken = map[state.Route]map[string]bool{}
	}
	if p.taken[k.Route] == nil {
		p.taken[k.Route] = map[string]bool{}
	}
	p.taken[k.Route][k.RemotePath] = true
}
