package syncer

import (
	"context"
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
	b, err := d.basis(ctx, src)
	if err != nil {
		return err
	}
	if k, err := d.mayHaveGrown(ctx, src, b); err != nil {
		return err
	} else if k != nil {
		_, same, err := beginsWith(ctx, src, k, io.Discard)
		if err != nil {
			return ctx.Err()
		}
		if same {
			o.Spared = k.Fingerprint.Size
			return nil
		}
	}
	if b == nil {
		return nil
	}
	defer d.conclude()
	c, err := d.compareWith(ctx, src, b)
	if err != nil || c == nil {
		return ctx.Err()
	}
	if changed, err := c.whole(); err == nil {
		o.Spared = o.Size - changed.literal
	}
	return ctx.Err()
}
