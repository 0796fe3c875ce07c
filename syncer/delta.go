package syncer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Of a file that has changed, the server may have most already, in the version that it has. Then the temp is put together there:
// what is old is copied, what is new is written. Whether that came out right is never taken from the server's answers, but
// proved by a hash of the whole. Nothing is recorded on the way: a delta that is cut off is begun anew on another temp, and
// a file in whose deltas the connection was lost twice is sent whole, with checkpoints.

// Delta says whether less than the whole of a changed file is sent.
type Delta string

// The words of the configuration. The empty one is DeltaAuto.
const (
	DeltaAuto   Delta = "auto"   // where it is expected to take less time
	DeltaOff    Delta = "off"    // never
	DeltaAlways Delta = "always" // wherever the result can be proved
)

// wholeFor is for how long a file is sent whole after what the server had put together was wrong.
const wholeFor = 24 * time.Hour

// basis is the version that the destination has, and what it consists of.
type basis struct {
	name  string // remote path
	size  int64
	sum   []byte
	index *chunk.Index
}

// basis returns what the new version can be made of; nil where it is to be sent whole.
func (d *delivery) basis(ctx context.Context, src *watcher.Source) (*basis, error) {
	if !d.ours {
		return nil, nil
	}
	if may, err := d.mayPatch(ctx, src); err != nil || !may {
		return nil, err
	}
	before, err := d.before(ctx)
	if err != nil {
		return nil, err
	}
	b := basis{name: d.intent.Final}
	switch {
	case before.known != nil && movable(before.known):
		b.size, b.sum = before.known.Fingerprint.Size, before.known.SHA256
	case before.last != nil && before.last.Proof.SHA256 != nil:
		b.size, b.sum = before.last.Size, before.last.Proof.SHA256
	default:
		return nil, nil
	}
	if c := d.comparing; c != nil && bytes.Equal(c.with.sum, b.sum) {
		return c.with, nil
	}
	if b.index, err = d.indexOf(ctx, b.sum, b.size); err != nil || b.index == nil {
		return nil, err
	}
	return &b, nil
}

// mayPatch tells whether a file may be put together from an earlier version, if there is one.
func (d *delivery) mayPatch(ctx context.Context, src *watcher.Source) (bool, error) {
	if !d.mayDelta() || d.whole || src.Size() < state.LeastIndexed {
		return false, nil
	}
	return d.mayReuse(ctx)
}

// indexOf returns the index of a content of a size, nil where there is none.
func (d *delivery) indexOf(ctx context.Context, sum []byte, size int64) (*chunk.Index, error) {
	data, found, err := d.store.Index(ctx, sum)
	if err != nil || !found {
		return nil, err
	}
	index := &chunk.Index{}
	if index.UnmarshalBinary(data) != nil || index.Size() != size { // of another version of this program
		return nil, nil
	}
	return index, nil
}

// mayReuse tells whether the server may be asked to make the file of what it has: not where its upload has begun already, nor where that
// went wrong and it is sent whole for a while.
func (d *delivery) mayReuse(ctx context.Context) (bool, error) {
	if _, begun, err := d.store.Checkpoint(ctx, d.intent.ID); err != nil || begun {
		return false, err
	}
	_, whole, err := d.store.Whole(ctx, d.intent.Route, d.intent.Path, d.now())
	return err == nil && !whole, err
}

// forecast is that of a file of which nothing has to be sent.
func (d *delivery) forecast(size int64) forecast {
	f := forecast{
		size: size, hashed: d.folder.demand() != remote.Size, trips: patchTrips, trip: d.session.RoundTrip(),
		send: usualSend, copy: usualCopy, hash: usualHash,
	}
	if s := d.speeds; s != nil {
		f.send, f.copy, f.hash = s.send.or(usualSend), s.copy.or(usualCopy), s.hash.or(usualHash)
	}
	if limit := d.session.Limit(); limit > 0 {
		f.send = min(f.send, float64(limit))
	}
	return f
}

// sendLess has the server make use of the version that it has. done says that T2 is recorded; else the file is to be sent, or what
// follows a checkpoint.
func (d *delivery) sendLess(ctx context.Context, src *watcher.Source) (done bool, err error) {
	b, err := d.basis(ctx, src)
	if err != nil {
		return false, err
	}
	if begun, err := d.grow(ctx, src, b); err != nil || begun || d.whole || b == nil {
		return false, err
	}
	return d.patch(ctx, src, b)
}

// patch has the server put the new version together from the one that it has, and proves it. done says that T2 is recorded; else the
// file is to be sent.
func (d *delivery) patch(ctx context.Context, src *watcher.Source, b *basis) (done bool, err error) {
	c, err := d.compareWith(ctx, src, b)
	if err != nil || c == nil {
		return false, err
	}
	began := time.Now()
	written, err := d.putTogether(ctx, src, b, c)
	took := time.Since(began)
	if errors.Is(err, errNotWorth) {
		return false, nil
	}
	var proof state.Proof
	if err == nil {
		crashpoint("patched")
		proof, err = d.verifyTogether(ctx, d.sum)
	}
	if err != nil {
		return false, d.noPatch(ctx, src, err)
	}
	if err := src.Unchanged(); err != nil {
		return false, err
	}
	if s := d.speeds; s != nil && written < c.so.literal+src.Size()/16 && c.waited < took/4 { // else it was comparing that took the time
		s.copy.note(src.Size()-written, took-lasts(written, s.send.or(usualSend)))
	}
	proof.Spared = src.Size() - written
	d.replaces = b.sum
	if err := d.keepIndex(ctx, d.sum); err != nil {
		return false, err
	}
	return true, d.commit(ctx, proof)
}

// putTogether has the server make the temp, while the rest is compared.
func (d *delivery) putTogether(ctx context.Context, src *watcher.Source, b *basis, c *comparison) (written int64, err error) {
	defer d.conclude()
	if err := d.patching(ctx); err != nil {
		return 0, err
	}
	return d.session.Patch(ctx, remote.Patch{
		Old: b.name, OldSize: b.size, Temp: d.intent.Temp, Size: src.Size(), Parts: c.parts(),
		ModTime: d.intent.Fingerprint.Modified(), Progress: d.progress(),
	}, src)
}

// verifyTogether proves a temp that was put together at the server.
func (d *delivery) verifyTogether(ctx context.Context, sum []byte) (state.Proof, error) {
	d.together = true
	defer func() { d.together = false }()
	return d.verify(ctx, sum)
}

// noPatch decides what follows where the server has put no file together: nil that it is sent whole. That the old version was taken,
// or changed by others, is no failure. Where what was put together is wrong, the file is sent whole for a while.
func (d *delivery) noPatch(ctx context.Context, src *watcher.Source, why error) error {
	switch remote.KindOf(why) {
	case remote.Transient, remote.DiskFull, remote.Root: // or the local side
		return why
	}
	if err := src.Unchanged(); err != nil { // which may be why
		return err
	}
	d.whole = true
	if remote.KindOf(why) != remote.Integrity {
		return nil
	}
	w := state.Whole{Until: d.now().Add(wholeFor), Reason: fmt.Sprintf("what the server had put together was wrong: %v", why)}
	if err := d.store.SendWhole(ctx, d.intent.Route, d.intent.Path, w); err != nil {
		return err
	}
	e := eventOf(EventWhole, &d.intent)
	e.At, e.Err, e.Reason, e.Next = d.now(), why, w.Reason, w.Until
	d.observe(e)
	return nil
}

// errNoTemp is for a temp that is not named as ours are.
var errNoTemp = errors.New("its temp has no next generation")

// patching records that the server is going to be asked to copy to the temp, and takes another one where that was so before: a
// connection that was given up may still have such a request before it.
func (d *delivery) patching(ctx context.Context) error {
	d.sent = true
	return d.retemp(ctx, true)
}

// sendWhole has the upload begin on a temp to which nothing is copied any more.
func (d *delivery) sendWhole(ctx context.Context) error {
	if !d.intent.Patched {
		return nil
	}
	if _, begun, err := d.store.Checkpoint(ctx, d.intent.ID); err != nil || begun {
		return err // what was copied there was proved, and nothing was under way then
	}
	return d.retemp(ctx, false)
}

func (d *delivery) retemp(ctx context.Context, patched bool) error {
	temp := d.intent.Temp
	if d.intent.Patched {
		if temp = nextTemp(temp, d.intent.ID); temp == "" {
			return errNoTemp
		}
		d.retemped = true
	}
	ok, err := d.store.Retemp(ctx, d.intent.ID, temp, patched)
	if err == nil && !ok {
		err = errSuperseded
	}
	if err == nil {
		d.intent.Temp, d.intent.Patched = temp, patched
	}
	return err
}
