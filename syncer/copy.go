package syncer

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// leastCopy is the size in bytes from which a file is recognised by its content.
const leastCopy = state.LeastLike

const (
	// copiesSeen bounds how many receipts of a file's size are looked at.
	copiesSeen = 64
	// copiesTried bounds how many of the files that they tell of are asked for at the server.
	copiesTried = 2
)

// moveOrCopy makes the destination use what it has already: the file under an old name, or another one of ours with the same
// content, of whatever folder. done says that T2 is recorded; else the file is to be sent.
func (d *delivery) moveOrCopy(ctx context.Context, src *watcher.Source) (done bool, err error) {
	if done, err := d.move(ctx, src); err != nil || done {
		return done, err
	}
	if d.intent.Temp == "" || d.intent.Source != "" || src.Size() < leastCopy {
		return false, nil
	}
	if _, begun, err := d.store.Checkpoint(ctx, d.intent.ID); err != nil || begun {
		return false, err
	}
	moved, err := d.mayHaveMoved(ctx, src.Size())
	if err != nil {
		return false, err
	}
	there, err := d.mayBeThere(ctx, src.Size())
	if err != nil || len(moved)+len(there) == 0 {
		return false, err
	}
	if len(there) == 0 && !d.mayCompare(src.Size()) {
		return false, nil
	}
	sum, err := d.sumOf(ctx, src)
	if err != nil {
		return false, err
	}
	alike := 0
	for i := range moved {
		if !bytes.Equal(moved[i].SHA256, sum) {
			continue
		}
		alike++
		if done, err := d.moveFrom(ctx, src, &moved[i]); err != nil || done {
			return done, err
		}
	}
	for i := range there {
		if !bytes.Equal(there[i].Proof.SHA256, sum) || d.whole {
			continue
		}
		if alike++; alike > copiesTried {
			break
		}
		if done, err := d.copy(ctx, src, &there[i]); err != nil || done {
			return done, err
		}
	}
	d.alikes.note(alike > 0)
	return false, nil
}

// mayHaveMoved returns what is known of files of a size that have left a mirror, each of which may get the final name.
func (d *delivery) mayHaveMoved(ctx context.Context, size int64) ([]state.Known, error) {
	if !d.folder.mayMove() {
		return nil, nil
	}
	sized, err := d.store.Alike(ctx, d.intent.Route, size, 0, movesTried)
	if err != nil || len(sized) == 0 {
		return nil, err
	}
	g, err := groundOf(ctx, d.store, d.folder)
	return slices.DeleteFunc(sized, func(k state.Known) bool {
		return !movable(&k) || k.Path == d.intent.Path || k.RemotePath == d.intent.Final || d.entwined(&k) || !g.fileHasLeft(k.Path, k.Fingerprint.Dev)
	}), err
}

// mayBeThere returns the receipts of files of a size that the server may copy, the newest first, where at least one of them stands as
// we left it: partners take what is theirs, and then nothing need be read to find that out.
func (d *delivery) mayBeThere(ctx context.Context, size int64) ([]state.Delivery, error) {
	f := d.copying(size)
	if !d.mayDelta() || d.whole || d.folder.Delta != DeltaAlways && !f.worth() {
		return nil, nil
	}
	if _, is, err := d.store.Whole(ctx, d.intent.Route, d.intent.Path, d.now()); err != nil || is {
		return nil, err
	}
	all, err := d.store.SizedLike(ctx, d.intent.Destination, size, copiesSeen)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	told, err := d.toldSum(ctx)
	if err != nil {
		return nil, err
	}
	all = d.newestUnder(all, told)
	cost := f.trip
	if told == nil {
		cost += f.reads()
	}
	if len(all) == 0 || d.folder.Delta != DeltaAlways && !d.alikes.worth(f.spares(), cost) {
		return nil, nil
	}
	for i := range min(len(all), copiesTried) {
		if stands, err := d.standsAs(ctx, &all[i]); err != nil || stands {
			return all[i:], err
		}
	}
	d.alikes.note(false)
	return nil, nil
}

// newestUnder leaves, of receipts from the newest on, the newest under each name that may be copied from, and of them those with a hash,
// where that is known.
func (d *delivery) newestUnder(all []state.Delivery, told []byte) []state.Delivery {
	seen := map[string]bool{d.intent.Final: true}
	return slices.DeleteFunc(all, func(x state.Delivery) bool {
		replaced := seen[x.RemotePath]
		seen[x.RemotePath] = true
		return replaced || x.Proof.SHA256 == nil || told != nil && !bytes.Equal(told, x.Proof.SHA256)
	})
}

// standsAs tells whether a file is there as its receipt says.
func (d *delivery) standsAs(ctx context.Context, x *state.Delivery) (bool, error) {
	info, err := d.stands(ctx, x.RemotePath)
	if isRefusal(err) {
		return false, nil
	}
	return err == nil && info != nil && info.Mode.IsRegular() && looksAs(x, info), err
}

// copying is what it is expected to take to copy a file of a size at the server.
func (d *delivery) copying(size int64) forecast {
	f := d.forecast(size)
	f.planned, f.parts, f.trips = true, 1, copyTrips
	return f
}

// toldSum returns the hash of the source without reading it: it was needed before, or the very version was sent to another
// destination; nil where it is not known.
func (d *delivery) toldSum(ctx context.Context) ([]byte, error) {
	print := d.intent.Fingerprint
	if d.sum != nil || print.Racy(d.intent.ReadyAt) {
		return d.sum, nil
	}
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.Path)
	if err != nil {
		return nil, err
	}
	for i := range record.Known {
		if k := &record.Known[i]; !k.Racy && k.Fingerprint == print {
			d.sum = k.SHA256
		}
	}
	for i := range record.Intents {
		if in := &record.Intents[i]; in.Version == d.intent.Version && in.Fingerprint == print && in.Proof.SHA256 != nil {
			d.sum = in.Proof.SHA256
		}
	}
	return d.sum, nil
}

// mayCompare tells whether it is worth reading a file to find out whether it has but got another name. Where one of its size has left
// under another name, it mostly has.
func (d *delivery) mayCompare(size int64) bool {
	f := d.forecast(size)
	cost := f.reads()
	return d.sum != nil || d.alikes.worth(max(f.whole(), oddsMisses*cost), cost)
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
func (d *delivery) copy(ctx context.Context, src *watcher.Source, like *state.Delivery) (done bool, err error) {
	if err := d.patching(ctx); err != nil {
		return false, err
	}
	began := time.Now()
	err = d.session.Copy(ctx, like.RemotePath, d.intent.Temp, src.Size())
	took := time.Since(began)
	var proof state.Proof
	if err == nil {
		proof, err = d.verifyTogether(ctx, like.Proof.SHA256)
	}
	switch remote.KindOf(err) {
	case remote.Missing, remote.Refused, remote.Permission: // it was taken, or replaced by another
		return false, src.Unchanged()
	}
	if err != nil {
		return false, d.noPatch(ctx, src, err)
	}
	if err := src.Unchanged(); err != nil {
		return false, err
	}
	if s := d.speeds; s != nil {
		s.copy.note(src.Size(), took)
	}
	proof.Spared = src.Size()
	d.alikes.note(true)
	return true, d.commit(ctx, proof)
}
