package syncer

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// upload sends the source to the temp, from where an earlier attempt has come to. The source is the very version that
// the intent was planned for, so what lies below the checkpoint are its bytes.
func (d *delivery) upload(ctx context.Context, src *watcher.Source) (sum []byte, err error) {
	u := remote.Upload{
		Temp: written(&d.intent), Size: d.intent.Fingerprint.Size, ModTime: d.intent.Fingerprint.Modified(), Progress: d.progress(),
		Proved: d.demand() != remote.Size, Careful: d.careful,
		CheckpointBytes: d.folder.CheckpointBytes, CheckpointEvery: d.folder.CheckpointEvery,
	}
	var at state.Checkpoint
	found := false
	if !d.session.Capabilities().NoResume && mayHaveCheckpoint(&d.intent) {
		u.Save = func(m remote.Mark) error { return d.checkpoint(ctx, m) }
		if at, found, err = d.store.Checkpoint(ctx, d.intent.ID); err != nil {
			return nil, err
		}
	}
	d.beginIndex(src, found)
	if d.indexing != nil {
		u.Tap = d.indexing.take
	}
	d.sent = true
	if found {
		u.From = remote.Mark{Offset: at.Offset, Hash: at.Hash}
		d.resumed = true
	} else if d.mayLookMeanwhile() {
		u.Look, u.Seen = d.intent.Final, func(final *remote.Info) error {
			if final != nil {
				d.remember(true)
				return errStands
			}
			d.free = true
			d.remember(false)
			return nil
		}
	}
	began := time.Now()
	sum, err = d.session.Upload(ctx, u, src)
	if err == nil && d.speeds != nil {
		d.speeds.send.note(u.Size-u.From.Offset, time.Since(began))
	}
	return sum, err
}

// mayHaveCheckpoint tells whether a file is so long that its uploads may have checkpoints: what goes in one piece has none.
func mayHaveCheckpoint(i *state.Intent) bool { return i.Fingerprint.Size > remote.OneWrite }

// lookMeanwhile is the size below which an upload begins before it is known what stands at the final name: what could be
// spared costs less than the round trip. Nothing as small is copied at the server.
const lookMeanwhile = 128 << 10

// errStands says that something stands at the final name of an upload that has begun without knowing.
var errStands = errors.New("something stands at the final name")

// mayLookMeanwhile tells whether the final name is looked at while the upload begins. What is expected there is looked at
// first, and so is what could spare the upload: also the names after one at which something stood, as where a mirror meets
// an earlier copy of itself.
func (d *delivery) mayLookMeanwhile() bool {
	return !d.looked && d.intent.Temp != "" && d.intent.MovedFrom == "" && d.intent.Reason == string(ReasonNew) &&
		d.intent.Fingerprint.Size < lookMeanwhile && (d.occupied == nil || !d.occupied.Load())
}

func (d *delivery) remember(occupied bool) {
	if d.occupied != nil {
		d.occupied.Store(occupied)
	}
}

// checkpoint records how far the upload has come, or that it begins anew. An intent that is no longer planned needs no more
// of it.
func (d *delivery) checkpoint(ctx context.Context, m remote.Mark) error {
	if m.Offset == 0 {
		return d.store.DropCheckpoint(ctx, d.intent.ID)
	}
	crashpoint("before-checkpoint")
	ok, err := d.store.SaveCheckpoint(ctx, d.intent.ID, state.Checkpoint{Offset: m.Offset, Hash: m.Hash})
	if err == nil && !ok {
		err = errSuperseded
	}
	d.reached = m.Offset
	crashpoint("checkpoint")
	return err
}

// demand is how much evidence the delivery needs. What a server acknowledges without syncing can be lost in a power cut
// there, so a resumed upload has to be proved then.
func (d *delivery) demand() remote.Demand {
	switch demand := d.folder.demand(); {
	case d.resumed && !d.session.Capabilities().Fsync:
		return remote.Content
	case d.together && demand != remote.Content:
		return remote.Proof
	case d.intent.Patched:
		return remote.Content
	default:
		return demand
	}
}
