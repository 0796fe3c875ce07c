package watcher

import (
	"context"
	"iter"
)

// breakingSink takes the first entry of a scan and no more.
type breakingSink struct{ *recorder }

func (breakingSink) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		break
	}
	return nil
}
