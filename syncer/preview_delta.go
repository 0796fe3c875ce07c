package syncer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"

	"github.com/dropferry/dropferry/watcher"
)

// spares tells how much of a changed file the destination has already, as far as the delivery is expected to make use of it.
func (p *Previewer) spares(ctx context.Context, d *delivery, o *Operation) error {
	src, err := watcher.Open(p.Folder.Root, d.intent.Path, d.intent.Fingerprint)
	if err != nil {
		return nil //nolint:nilerr // busy or changing: it would be planned again
	}
	defer src.Close() //nolint:errcheck // opened for reading
	if k, err := d.mayHaveGrown(ctx, src); err != nil {
		return err
	} else if k != nil {
		hash := sha256.New()
		if err := readInto(ctx, hash, io.NewSectionReader(src, 0, k.Fingerprint.Size)); err != nil {
			return ctx.Err()
		}
		if bytes.Equal(hash.Sum(nil), k.SHA256) {
			o.Spared = k.Fingerprint.Size
			return nil
		}
	}
	b, err := d.basis(ctx, src)
	if err != nil || b == nil {
		return err
	}
	c, err := d.compareWith(ctx, src, b)
	switch {
	case err != nil:
		return ctx.Err()
	case c != nil:
		o.Spared = o.Size - c.literal
	}
	return nil
}
