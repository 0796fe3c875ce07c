package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// indexing makes the index of a file while it is read for sending, so that the next version need not be sent whole. It is not read
// again for that: an upload that goes on where an earlier attempt of this very process was cut off goes on with the index, and one that
// goes on after a restart makes none. nil makes none either.
type indexing struct {
	builder *chunk.Builder // nil: there is going to be none
	at      int64
	from    int64 // where this attempt has begun, as the next
	began   time.Time
	vain    func(rate float64) bool // whether it would be of no use, where so many bytes are sent in a second; nil: never
}

// vainFrom is after how many bytes it is looked how fast they are sent.
const vainFrom = 64 << 20

// take takes the bytes at an offset of the file. Those that it has been shown before are left out.
func (x *indexing) take(at int64, b []byte) {
	if at == 0 && (x.builder == nil || x.at > 0) { // the upload begins anew
		x.builder, x.at, x.from, x.began = chunk.NewBuilder(), 0, 0, time.Now()
	}
	if x.builder == nil {
		return
	}
	if at > x.at {
		x.builder = nil
		return
	}
	before := x.at
	b = b[min(x.at-at, int64(len(b))):]
	x.at += int64(len(b))
	sent := x.at - x.from
	if x.vain != nil && before-x.from < vainFrom && sent >= vainFrom && x.vain(float64(sent)/time.Since(x.began).Seconds()) {
		x.builder = nil
		return
	}
	_, _ = x.builder.Write(b) // which does not fail
}

// goOn is called before an attempt that goes on.
func (x *indexing) goOn() {
	if x.builder != nil {
		x.from, x.began = x.at, time.Now()
	}
}

// Write takes the bytes that come next.
func (x *indexing) Write(b []byte) (int, error) {
	if x != nil {
		x.take(x.at, b)
	}
	return len(b), nil
}

// index returns the index of a file of so many bytes, nil where not all of it was taken.
func (x *indexing) index(size int64) *chunk.Index {
	if x == nil || x.builder == nil || x.at != size {
		return nil
	}
	return x.builder.Index()
}

// beginIndex makes an index of what the upload reads, where the next version could be put together from this one, and goes on with that of
// an earlier attempt.
func (d *delivery) beginIndex(src *watcher.Source, resumed bool) {
	switch {
	case d.index != nil:
	case d.indexing == nil:
		d.indexing = d.newIndexing(src.Size())
	case resumed:
		d.indexing.goOn()
	}
}

// newIndexing begins an index of a source of so many bytes; nil where it would be of no use.
func (d *delivery) newIndexing(size int64) *indexing {
	if !d.mayDelta() || size < state.LeastIndexed {
		return nil
	}
	vain := d.vain(size)
	if vain != nil && vain(d.forecast(size).send) {
		return nil
	}
	return &indexing{vain: vain}
}

// vain returns what tells from the speed of the line whether to send less of a file of that size is of no use.
func (d *delivery) vain(size int64) func(rate float64) bool {
	if d.folder.Delta == DeltaAlways {
		return nil
	}
	f := d.forecast(size)
	f.noted = true
	return func(rate float64) bool {
		f.send = rate
		return !f.worth()
	}
}

// droppedStay is for how long the index of a file is kept that has left its folder after its delivery: the next one of the same
// name may have changed little.
const droppedStay = 7 * 24 * time.Hour

// keepIndex keeps the index of what is about to be published.
func (d *delivery) keepIndex(ctx context.Context, sum []byte) error {
	index := d.index
	if index == nil {
		index = d.indexing.index(d.intent.Fingerprint.Size)
	}
	if index == nil {
		return nil
	}
	data, err := index.MarshalBinary()
	if err != nil {
		return err
	}
	until := d.now()
	if d.folder.endsStory() {
		until = until.Add(droppedStay)
	}
	return d.store.SaveIndex(ctx, sum, data, d.now(), until, d.replaces)
}

// mayDelta tells whether less than the whole of a file may be sent to the destination at all, now or with the next version.
func (d *delivery) mayDelta() bool {
	can := d.session.Capabilities()
	return d.folder.Delta != DeltaOff && can.Copies() && (can.Hashes() || d.folder.demand() == remote.Content) && !d.careful &&
		d.intent.Temp != "" && d.intent.Source == ""
}
