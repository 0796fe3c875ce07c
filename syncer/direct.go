package syncer

import (
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// Where a server refuses renames, a file is written at its final name: everybody can see part of it, nothing replaces an
// earlier version in one step, and a crash behind the last byte can make it go up twice. That it is ours meanwhile is in
// the store, so that no later attempt takes its own beginnings for somebody's file.

// beginDirect records that a file is about to be written at its final name.
func (d *delivery) beginDirect(ctx context.Context) error {
	if d.intent.Temp != "" {
		return nil
	}
	d.direct = true
	return d.store.SaveUnfinished(ctx, d.intent.Destination, d.intent.Final, d.intent.Fingerprint.Size)
}

// judgeUnfinished tells whether what stands at the final name is what an attempt of ours has left there: no more than
// it had to write.
func (d *delivery) judgeUnfinished(ctx context.Context, final *remote.Info, standing Standing) (Standing, error) {
	size, found, err := d.store.Unfinished(ctx, d.intent.Destination, d.intent.Final)
	if err != nil || !found || !final.Mode.IsRegular() || final.Size > size {
		return standing, err
	}
	return Ours, nil
}

// taken tells whether a file that was written at its final name is gone from there: a partner takes what has arrived.
func (d *delivery) taken(err error) bool {
	return d.intent.Temp == "" && remote.KindOf(err) == remote.Missing
}

// takenProof is the proof of such a file: the server has acknowledged all of it, and no more is to be known.
func (d *delivery) takenProof(sum []byte) (state.Proof, error) {
	if d.folder.HoldAmbiguous {
		return state.Proof{}, errAmbiguous
	}
	return state.Proof{
		SHA256: sum, Evidence: remote.Inferred, RemoteModTime: d.intent.Fingerprint.Modified(), HostKey: d.session.HostKey(),
	}, nil
}

// removeWritten removes what a delivery has left, with its checkpoint, as far as the session lets; what stays is overwritten
// by the next attempt or swept. The temp of a committing intent is the witness of its publication and never touched.
func (l *link) removeWritten(ctx context.Context, session Session, o *outcome) {
	if o.intent.Phase == state.Committing || session.Err() != nil {
		return
	}
	if mayHaveCheckpoint(&o.intent) {
		_ = l.store.DropCheckpoint(ctx, o.intent.ID) // else the next attempt finds out that the temp is shorter
	}
	switch {
	case o.intent.Temp != "":
		_ = session.Remove(ctx, o.intent.Temp) // see above
	case o.direct: // better no file than part of one
		if err := session.Remove(ctx, o.intent.Final); err == nil {
			_ = l.store.ClearUnfinished(ctx, o.intent.Destination, o.intent.Final) // it is looked for and not found
		}
	}
}
