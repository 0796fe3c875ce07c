package syncer

import (
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// upload sends the source to the temp, from where an earlier attempt has come to. The source is the very version that
// the intent was planned for, so what lies below the checkpoint are its bytes.
func (d *delivery) upload(ctx context.Context, src *watcher.Source) (sum []byte, err error) {
	u := remote.Upload{
		Temp: written(&d.intent), Size: d.intent.Fingerprint.Size, Progress: d.progress(),
		CheckpointBytes: d.folder.CheckpointBytes, CheckpointEvery: d.folder.CheckpointEvery,
		Save: func(m remote.Mark) error { return d.checkpoint(ctx, m) },
	}
	at, found, err := d.store.Checkpoint(ctx, d.intent.ID)
	if err != nil {
		return nil, err
	}
	if found {
		u.From = remote.Mark{Offset: at.Offset, Hash: at.Hash}
		d.resumed = true
	}
	return d.session.Upload(ctx, u, src)
}

// checkpoint records how far the upload has come. An intent that is no longer planned needs no more of it.
func (d *delivery) checkpoint(ctx context.Context, m remote.Mark) error {
	crashpoint("before-checkpoint")
	ok, err := d.store.SaveCheckpoint(ctx, d.intent.ID, state.Checkpoint{Offset: m.Offset, Hash: m.Hash})
	if err == nil && !ok {
		err = errSuperseded
	}
	crashpoint("checkpoint")
	return err
}

// demand is how much evidence the delivery needs. What a server acknowledges without syncing can be lost in a power cut
// there, so a resumed upload has to be proved then.
func (d *delivery) demand() remote.Demand {
	if d.resumed && !d.session.Capabilities().Fsync {
		return remote.Content
	}
	return d.folder.demand()
}
