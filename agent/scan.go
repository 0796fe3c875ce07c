package agent

import (
	"context"
	"iter"

	"github.com/dropferry/dropferry/watcher"
)

// heeded is a Sink whose errors are told apart from those of reading the folder: what cannot be read today may be read
// tomorrow, and other folders go on; a sink that fails means that the store does.
type heeded struct {
	watcher.Sink
	err error
}

// Scan implements watcher.Sink.
func (h *heeded) Scan(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	h.err = h.Sink.Scan(ctx, entries)
	return h.err
}

// Ready implements watcher.Sink.
func (h *heeded) Ready(ctx context.Context, entries []watcher.Entry) error {
	h.err = h.Sink.Ready(ctx, entries)
	return h.err
}

// scanFolder scans one folder, and returns the places in it that could not be read, the folder itself for one. Any other
// failure is an error.
func scanFolder(ctx context.Context, w *watcher.Watcher, sink watcher.Sink) (unread []error, err error) {
	h := &heeded{Sink: sink}
	summary, err := w.Scan(ctx, h)
	switch {
	case err == nil:
		return summary.Errors, nil
	case h.err != nil || ctx.Err() != nil:
		return nil, err
	}
	return []error{err}, nil
}

// settleFolder waits for what the last scan has found settling. unread says that the folder could not be read any more.
func settleFolder(ctx context.Context, w *watcher.Watcher, sink watcher.Sink) (left []watcher.Entry, unread, err error) {
	h := &heeded{Sink: sink}
	left, err = w.Settle(ctx, h, 0)
	if err != nil && h.err == nil && ctx.Err() == nil {
		return left, err, nil
	}
	return left, nil, err
}
