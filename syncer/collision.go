package syncer

import (
	"context"
	"errors"
	"fmt"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Some servers take several names for one: a.txt and A.txt, say. A file whose name is taken there by another one of ours waits
// for a person, or until the other one has gone. It is no such case that a file has got another spelling of its own name: then
// it gets that at the server too.

// errCollides says that a destination takes the name of another file of ours for this one's.
type errCollides struct {
	final string
	with  state.Known
}

func (e *errCollides) Error() string {
	return fmt.Sprintf("%s is the same name as %s to this server, and %q of folder %s has it", e.final, e.with.RemotePath, string(e.with.Path), e.with.Folder)
}

// collisionStore is what names that collide need of the state.
type collisionStore interface {
	Namesakes(ctx context.Context, r state.Route, p file.Path, remotePath string) ([]state.Namesake, error)
	Collisions(ctx context.Context, folder string) ([]state.Intent, error)
	FoldingOf(ctx context.Context, destination string) (file.Folding, error)
	SetFolding(ctx context.Context, destination string, f file.Folding) error
}

// collidesWith returns the known file whose name the destination takes for an intent's, but for the one that the intent gives
// another name; nil where there is none.
func collidesWith(ctx context.Context, store collisionStore, in *state.Intent) (*state.Known, error) {
	all, err := store.Namesakes(ctx, in.Route, in.Path, in.Final)
	if err != nil {
		return nil, err
	}
	for i := range all {
		k := &all[i].Known
		if all[i].Intent == "" && (k.Folder != in.Folder || k.Path != in.MovedFrom) {
			return k, nil
		}
	}
	return nil, nil
}

// isRespelled tells whether a file may be the known one under another spelling, as far as can be told before it is read.
func isRespelled(f *Folder, g *ground, in *state.Intent, k *state.Known) bool {
	return f.Mirror && k.Folder == in.Folder && movable(k) && k.Fingerprint.Size == in.Fingerprint.Size &&
		g.fileHasLeft(k.Path, k.Fingerprint.Dev)
}

// collide plans a file whose name is taken by another one at the destination: as one that was respelled, or as held.
func (p *Planner) collide(ctx context.Context, g *ground, b *planned, k *state.Known) (state.PlanResult, error) {
	if isRespelled(p.folder, g, &b.Intent, k) {
		b.Intent.MovedFrom, b.Intent.Reason = k.Path, string(ReasonMoved)
		results, err := p.store.Plan(ctx, []state.Plan{b.Plan})
		if err != nil {
			return state.PlanResult{}, err
		}
		if results[0].Collides == nil {
			return results[0], nil
		}
	}
	b.Intent.MovedFrom, b.Intent.Phase, b.Collides = "", state.Held, k.Path
	b.Intent.LastError = (&errCollides{b.Intent.Final, *k}).Error()
	results, err := p.store.Plan(ctx, []state.Plan{b.Plan})
	if err != nil {
		return state.PlanResult{}, err
	}
	if results[0].OK {
		err = p.freeIfAlone(ctx, &b.Intent)
	}
	return results[0], err
}

// freeIfAlone frees a file that was just held, where the other one has gone meanwhile. What takes that away frees what waits for its name, but only
// what it finds held.
func (p *Planner) freeIfAlone(ctx context.Context, in *state.Intent) error {
	others, err := p.store.Namesakes(ctx, in.Route, in.Path, in.Final)
	if err != nil || len(others) > 0 {
		return err
	}
	freed, err := p.store.Release(ctx, in.ID)
	if freed {
		in.Phase = state.Planned
	}
	return err
}

// reviewCollisions frees files whose names are not taken any more.
func (p *Planner) reviewCollisions(ctx context.Context, g *ground) error {
	all, err := p.store.Collisions(ctx, p.folder.Name)
	if err != nil {
		return err
	}
	for i := range all {
		in := &all[i]
		k, err := collidesWith(ctx, p.store, in)
		if err != nil {
			return err
		}
		if k != nil && (in.Attempts > 0 || !isRespelled(p.folder, g, in, k)) { // it was another file when that was tried
			continue
		}
		freed, err := p.store.Release(ctx, in.ID)
		if err == nil && freed && k != nil {
			_, err = p.store.SetMovedFrom(ctx, in.ID, k.Path)
		}
		if err != nil {
			return err
		}
		p.poke(in.Destination)
	}
	return nil
}

// collides fails where the server takes the name of another file of ours for this one's, and has that.
func (d *delivery) collides(ctx context.Context) error {
	if d.intent.Overwrite || !d.session.Capabilities().Folding().Folds() {
		return nil
	}
	k, err := collidesWith(ctx, d.store, &d.intent)
	if err != nil || k == nil {
		return err
	}
	if there, err := d.stands(ctx, d.intent.Final); err != nil || there == nil {
		return err
	}
	return &errCollides{d.intent.Final, *k}
}

// respelled returns what is known of the file under the spelling that it had before, where the server takes that for the same
// name; nil where it is no such case.
func (d *delivery) respelled(ctx context.Context) (*state.Known, error) {
	f := d.session.Capabilities().Folding()
	if d.intent.MovedFrom == "" || !f.Folds() {
		return nil, nil
	}
	k, err := d.oldName(ctx)
	if err != nil || k == nil || !f.Same(k.RemotePath, d.intent.Final) {
		return nil, err
	}
	return k, nil
}

// takeSpelling lets a file that was respelled have its name, before anybody looks whose file stands there: it is this one.
func (d *delivery) takeSpelling(ctx context.Context, src *watcher.Source) (done bool, err error) {
	k, err := d.respelled(ctx)
	if err != nil || k == nil {
		return false, err
	}
	d.tell(EventStarted)
	return d.move(ctx, src)
}

// isAnotherFile tells whether what stands at the final name may be taken for another file than the one that is to get this name. The
// probe has asked the root whether it folds names; a directory may be of other habits.
func (d *delivery) isAnotherFile(ctx context.Context) (bool, error) {
	if d.intent.MovedFrom == "" {
		return true, nil
	}
	k, err := d.oldName(ctx)
	return k == nil || !(file.Folding{Case: true, Form: true}).Same(k.RemotePath, d.intent.Final), err
}

// respell gives the file at the destination the new spelling of its name, by way of the private name: a server may take a
// rename from the one to the other for nothing to do. Only our rename puts a file at the private name.
func (d *delivery) respell(ctx context.Context, k *state.Known) (state.Proof, error) {
	proof := d.intent.Proof
	begun, err := d.respelling(ctx)
	if err != nil {
		return proof, err
	}
	if !begun {
		old, err := d.stands(ctx, k.RemotePath)
		if err != nil {
			return proof, err
		}
		if old == nil || old.Size != d.intent.Fingerprint.Size || !near(old.ModTime, proof.RemoteModTime, 0) {
			return proof, &errNotPublished{k.RemotePath, errors.New("it is not there any more, or was changed there")}
		}
		if err := d.session.Publish(ctx, k.RemotePath, d.intent.Temp, false); err != nil {
			return proof, err
		}
		crashpoint("respelling")
	}
	return proof, d.session.Publish(ctx, d.intent.Temp, d.intent.Final, false)
}

// respelling tells whether the file has the private name already, from an attempt that was cut off. What else has that is left
// of an upload, and goes.
func (d *delivery) respelling(ctx context.Context) (bool, error) {
	taken, err := d.stands(ctx, d.intent.Temp)
	if err != nil || taken == nil {
		return false, err
	}
	_, _, err = d.session.Verify(ctx, d.intent.Temp, d.intent.Fingerprint.Size, d.intent.Proof.SHA256, d.folder.demand())
	if remote.KindOf(err) == remote.Integrity {
		return false, d.session.Remove(ctx, d.intent.Temp)
	}
	return err == nil, err
}
