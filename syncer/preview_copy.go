package syncer

import (
	"bytes"
	"context"
	"slices"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// fromThere tells of a file that the destination has already, under an old name or under another one, as far as can be said
// without asking it to hash; view and the delivery are nil where it cannot be asked at all.
func (p *Previewer) fromThere(ctx context.Context, c Change, view Viewer, d *delivery, o *Operation) error {
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
	return p.alike(ctx, c, view, d, o)
}

// alike tells of a file of the same content that the destination has: see moveOrCopy.
func (p *Previewer) alike(ctx context.Context, c Change, view Viewer, d *delivery, o *Operation) error {
	f, size := p.Folder, c.Entry.Fingerprint.Size
	if r, _ := f.route(c.Destination); r.Direct || size < leastCopy {
		return nil
	}
	moved, err := p.mayHaveMoved(ctx, c, view, o)
	if err != nil {
		return err
	}
	var there []state.Delivery
	if d != nil {
		if there, err = d.mayBeThere(ctx, size); err != nil {
			return err
		}
	}
	if len(moved)+len(there) == 0 {
		return nil
	}
	sum, err := p.sumOf(ctx, c, d)
	if err != nil || sum == nil {
		return err
	}
	if i := slices.IndexFunc(moved, func(k state.Known) bool { return bytes.Equal(k.SHA256, sum) }); i >= 0 {
		p.take(o, &moved[i])
		return nil
	}
	for i := range there {
		x := &there[i]
		if !bytes.Equal(x.Proof.SHA256, sum) || p.taken[state.Route{Folder: f.Name, Destination: c.Destination}][x.RemotePath] {
			continue
		}
		if stands, err := d.standsAs(ctx, x); err != nil || stands {
			o.Op, o.From = Copy, x.RemotePath
			return err
		}
	}
	return nil
}

// mayHaveMoved returns what is known of files of a file's size that have left the folder, and may get its name.
func (p *Previewer) mayHaveMoved(ctx context.Context, c Change, view Viewer, o *Operation) ([]state.Known, error) {
	f := p.Folder
	if !f.mayMove() {
		return nil, nil
	}
	sized, err := p.Store.Alike(ctx, state.Route{Folder: f.Name, Destination: c.Destination}, c.Entry.Fingerprint.Size, 0, movesTried)
	return slices.DeleteFunc(sized, func(k state.Known) bool {
		return k.Path == c.Path || k.RemotePath == o.RemotePath || !movable(&k) || !p.ground.fileHasLeft(k.Path, k.Fingerprint.Dev) ||
			!p.mayTake(ctx, view, &k)
	}), err
}

// sumOf returns the hash of a file, nil where it cannot be read now: it would be planned again.
func (p *Previewer) sumOf(ctx context.Context, c Change, d *delivery) ([]byte, error) {
	if d != nil {
		if told, err := d.toldSum(ctx); told != nil || err != nil {
			return told, err
		}
	}
	src, err := watcher.Open(p.Folder.Root, c.Path, c.Entry.Fingerprint)
	if err != nil {
		return nil, nil //nolint:nilerr // busy or changing
	}
	defer src.Close() //nolint:errcheck // opened for reading
	sum, err := hashSource(ctx, src)
	if err != nil {
		return nil, ctx.Err()
	}
	return sum, nil
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
