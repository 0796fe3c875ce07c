package syncer

import (
	"bytes"
	"context"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// leastCopy is the size in bytes from which it is worth three more round trips to have the server copy a file.
const leastCopy = 256 << 10

// moveOrCopy makes the destination use what it has already: the file under an old name, or another one of the same
// content. done says that T2 is recorded; else the file is to be sent.
func (d *delivery) moveOrCopy(ctx context.Context, src *watcher.Source) (done bool, err error) {
	if done, err := d.move(ctx, src); err != nil || done {
		return done, err
	}
	can := d.session.Capabilities()
	copies := can.Hashes() && can.Copies()
	if !copies && !d.folder.mayMove() || d.intent.Temp == "" || d.intent.Source != "" || d.folder.endsStory() || src.Size() < leastCopy {
		return false, nil
	}
	if _, begun, err := d.store.Checkpoint(ctx, d.intent.ID); err != nil || begun {
		return false, err
	}
	if !d.alikes.worth(src.Size()) {
		return false, nil
	}
	alike, sum, err := d.alike(ctx, src)
	if err != nil {
		return false, err
	}
	d.alikes.note(sum != nil, len(alike) > 0)
	for i := range alike {
		k := &alike[i]
		if !d.folder.mayMove() || !movable(k) || d.entwined(k) {
			continue
		}
		left, err := d.hasLeft(ctx, k)
		if err != nil {
			return false, err
		}
		if left {
			if done, err := d.moveFrom(ctx, src, k); err != nil || done {
				return done, err
			}
		}
	}
	for i := range alike {
		if !copies {
			break
		}
		if done, err := d.copy(ctx, src, &alike[i], sum); err != nil || done {
			return done, err
		}
	}
	return false, nil
}

// alike returns what is known at the destination with the content of the source, and its hash. The source is read only
// where there are files of its size.
func (d *delivery) alike(ctx context.Context, src *watcher.Source) (alike []state.Known, sum []byte, err error) {
	sized, err := d.store.Alike(ctx, d.intent.Route, src.Size(), 0, movesTried)
	if err != nil || len(sized) == 0 {
		return nil, nil, err
	}
	if sum, err = d.sumOf(ctx, src); err != nil {
		return nil, nil, err
	}
	for _, k := range sized {
		if k.Path != d.intent.Path && k.RemotePath != d.intent.Final && bytes.Equal(k.SHA256, sum) {
			alike = append(alike, k)
		}
	}
	return alike, sum, nil
}

// moveFrom is move for a file that was recognised by its content.
func (d *delivery) moveFrom(ctx context.Context, src *watcher.Source, k *state.Known) (done bool, err error) {
	ok, err := d.store.SetMovedFrom(ctx, d.intent.ID, k.Path)
	switch {
	case err != nil:
		return false, err
	case !ok:
		return false, errSuperseded
	}
	d.intent.MovedFrom = k.Path
	return d.move(ctx, src)
}

// copy has the server copy a file of the same content to the temp. That it has done so is only believed on the strength of
// a hash; where anything is wrong, the file is sent.
func (d *delivery) copy(ctx context.Context, src *watcher.Source, k *state.Known, sum []byte) (done bool, err error) {
	if err := d.patching(ctx); err != nil {
		return false, err
	}
	err = d.session.Copy(ctx, k.RemotePath, d.intent.Temp, src.Size())
	var proof state.Proof
	if err == nil {
		proof, err = d.verifyTogether(ctx, sum)
	}
	switch {
	case err == nil && proof.Evidence == remote.SizeOnly:
		return false, nil
	case err == nil:
		if err := src.Unchanged(); err != nil {
			return false, err
		}
		proof.Spared = src.Size()
		return true, d.commit(ctx, proof)
	case remote.KindOf(err) == remote.Transient, remote.KindOf(err) == remote.DiskFull:
		return false, err
	}
	return false, nil
}
