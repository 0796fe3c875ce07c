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

// discard takes everything and keeps nothing.
type discard struct{}

func (discard) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		continue
	}
	return nil
}
func (discard) Ready(context.Context, []Entry) error { return nil }
func (discard) Status(Status)                        {}
