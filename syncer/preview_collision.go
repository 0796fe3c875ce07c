package syncer

import (
	"context"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// namesake returns the file whose name the destination takes for one's, known there or to be sent by this very plan; nil where
// there is none.
func (p *Previewer) namesake(ctx context.Context, c *Change, o *Operation) (*state.Known, error) {
	route := state.Route{Folder: p.Folder.Name, Destination: c.Destination}
	f, err := p.Store.FoldingOf(ctx, c.Destination)
	if err != nil || !f.Folds() {
		return nil, err
	}
	k, err := collidesWith(ctx, p.Store, &state.Intent{Route: route, Path: c.Path, Final: o.RemotePath})
	if err != nil || k != nil {
		return k, err
	}
	key := c.Destination + "\x00" + f.Key(o.RemotePath)
	if other, claimed := p.claims[key]; claimed && other != c.Path {
		r, _ := p.Folder.route(c.Destination)
		return &state.Known{Route: route, Path: other, RemotePath: r.RemotePath(other, p.Now())}, nil
	}
	if p.claims == nil {
		p.claims = map[string]file.Path{}
	}
	p.claims[key] = c.Path
	return nil, nil
}

// collision tells what becomes of a file whose name is another's at the destination.
func (p *Previewer) collision(ctx context.Context, c Change, o Operation, k *state.Known, err error) (Operation, bool, error) {
	if err != nil {
		return o, false, err
	}
	in := state.Intent{Route: k.Route, Path: c.Path, Fingerprint: c.Entry.Fingerprint}
	in.Folder = p.Folder.Name
	if isRespelled(p.Folder, &p.ground, &in, k) {
		same, err := p.unchanged(ctx, Change{Path: c.Path, Entry: c.Entry, Known: k})
		if err != nil {
			return o, false, err
		}
		if same {
			p.take(&o, k)
			return o, true, nil
		}
	}
	o.Op, o.Reason, o.Detail = Hold, ReasonCollision, (&errCollides{o.RemotePath, *k}).Error()
	return o, true, nil
}
