package syncer

import (
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// beginAnew forgets what was sent of a file that the server refuses to go on with.
func (l *link) beginAnew(ctx context.Context, o *outcome) error {
	l.troubles[o.intent.ID].anew, l.sweepWanted = true, true
	if err := l.store.DropCheckpoint(ctx, o.intent.ID); err != nil {
		return err
	}
	return l.fail(ctx, o, state.Failure{Next: l.clock(), Own: true, Temp: nextTemp(o.intent.Temp, o.intent.ID)})
}

// rootTrouble finds out whether a refusal because of which a file would be given up is of every file: the root has become
// read-only. It returns an error of the root then.
func (l *link) rootTrouble(ctx context.Context, w *workload, err error) error {
	if !mayBeOfAll(err) || w.session.Err() != nil {
		return nil
	}
	if remote.KindOf(w.pause) == remote.Root { // it was found out
		return w.pause
	}
	if err := w.session.CheckWrites(ctx); remote.KindOf(err) == remote.Root {
		return err
	}
	return nil
}
