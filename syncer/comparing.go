package syncer

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/dropferry/dropferry/chunk"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// What is new in a file is found out by a comparison: the type is in comparison.go. Here is when a delivery makes one, and of what use it is
// to the rest of the delivery.

// isKnown tells whether a source has the content that is known of it, and the size. Where a comparison with that is going to be made to send less,
// it begins here: its first difference tells, and the source is read once.
func (d *delivery) isKnown(ctx context.Context, src *watcher.Source, known *state.Known) (bool, error) {
	if err := d.compareEarly(ctx, src, known); err != nil {
		return false, err
	}
	if d.comparing != nil && d.comparing.differs() {
		d.session.ForeseePatch(src.Size())
		return false, nil
	}
	sum, err := d.sumOf(ctx, src)
	return err == nil && bytes.Equal(sum, known.SHA256), err
}

// compareEarly begins a comparison with what is known, where one may come to be of use.
func (d *delivery) compareEarly(ctx context.Context, src *watcher.Source, known *state.Known) error {
	if d.sum != nil || !movable(known) {
		return nil
	}
	if may, err := d.mayPatch(ctx, src); err != nil || !may {
		return err
	}
	if f := d.forecast(src.Size()); d.folder.Delta != DeltaAlways && !f.worth() {
		return nil
	}
	b := &basis{name: d.intent.Final, size: known.Fingerprint.Size, sum: known.SHA256}
	var err error
	if b.index, err = d.indexOf(ctx, b.sum, b.size); err == nil && b.index != nil && b.index.Whole() {
		d.beginComparison(ctx, src, b)
	}
	return err
}

// beginComparison has what is new found out. conclude has to be called.
func (d *delivery) beginComparison(ctx context.Context, src *watcher.Source, b *basis) {
	f, always := d.forecast(src.Size()), d.folder.Delta == DeltaAlways
	f.planned = true // what has been compared is not ahead any more
	d.comparing = compare(ctx, io.NewSectionReader(src, 0, src.Size()), b, d.sum, func(so difference) bool {
		f := f
		f.literal, f.parts = so.literal, so.copies
		return always || f.worth()
	})
}

// compareWith begins to find out what has changed, if that has not begun; nil where to send less is not worth its while. Of a large file, samples tell
// first whether to read all of it may be. conclude has to be called.
func (d *delivery) compareWith(ctx context.Context, src *watcher.Source, b *basis) (*comparison, error) {
	if d.comparing == nil || d.comparing.with != b {
		d.conclude()
		if promising, err := d.isPromising(ctx, src, b); err != nil || !promising {
			return nil, err
		}
		d.session.ForeseePatch(src.Size())
		d.beginComparison(ctx, src, b)
	}
	c := d.comparing
	if err := c.promising(); errors.Is(err, errNotWorth) {
		d.conclude()
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return c, nil
}

// isPromising tells whether it may be worth reading all of a file to find out what has changed.
func (d *delivery) isPromising(ctx context.Context, src *watcher.Source, b *basis) (bool, error) {
	f := d.forecast(src.Size())
	if d.folder.Delta == DeltaAlways {
		return true, nil
	}
	if f.worth() && src.Size() >= sampledFrom {
		changed, err := changedShare(ctx, src, b.index)
		if err != nil {
			return false, err
		}
		f.literal = int64(max(0, changed-sampleError) * float64(f.size))
	}
	return f.worth(), nil
}

// conclude ends a comparison, and keeps what it has found out of the whole: of use to the upload too, should it come to one.
func (d *delivery) conclude() {
	c := d.comparing
	if c == nil {
		return
	}
	c.close()
	d.comparing = nil
	d.learnOf(c)
}

// learnOf keeps what a comparison that has ended has found out of the whole.
func (d *delivery) learnOf(c *comparison) {
	if c.index != nil {
		d.sum, d.index = c.sum, c.index
	}
}

const (
	sampledFrom = 32 << 20
	sampleSize  = 1 << 20
	mostSamples = 32
	// sampleError is how much of a sample seems to be new although it is not: a chunk is recognised as a whole.
	sampleError = 0.2
)

// changedShare tells from samples how much of a file is new, from 0 to 1.
func changedShare(ctx context.Context, src *watcher.Source, old *chunk.Index) (float64, error) {
	n := min(mostSamples, src.Size()/(16*sampleSize))
	samples := make([]io.Reader, n)
	for i := range n {
		samples[i] = io.NewSectionReader(src, src.Size()/n*i, sampleSize)
	}
	var changed difference
	_, err := chunk.Plan(ctx, old, io.MultiReader(samples...), changed.add)
	return float64(changed.literal) / float64(n*sampleSize), err
}
