package syncer

import (
	"context"
	"fmt"
	"maps"

	"github.com/dropferry/dropferry/state"
)

// sweepBatch is how many temps are removed before the store is told.
const sweepBatch = 200

// sweepResult is how a sweep has ended.
type sweepResult struct {
	more bool  // there may be more to sweep
	err  error // of the store
}

// startSweep removes temps of ours that no intent refers to any more, beside the deliveries.
func (l *link) startSweep(ctx context.Context, w *workload) {
	if !l.sweepWanted || w.swept != nil {
		return
	}
	l.sweepWanted = false
	busy := maps.Clone(w.busy) // an upload that has lost its intent still writes to its temp
	swept := make(chan sweepResult, 1)
	w.swept = swept
	go func() { // ends in a result, which work waits for
		more, err := l.sweep(ctx, w.session, busy)
		swept <- sweepResult{more, err}
	}()
}

// sweep removes one batch. Its error is the store's: what the server refuses to remove it will refuse again, and is not
// asked for ever.
func (l *link) sweep(ctx context.Context, session Session, busy map[string]bool) (more bool, err error) {
	sweeps, err := l.store.Sweeps(ctx, l.name, sweepBatch)
	if err != nil {
		return false, ignoreEnd(ctx, err)
	}
	var done []string
	for _, s := range sweeps {
		if busy[s.ID] {
			continue
		}
		l.removeSwept(ctx, session, s)
		if ctx.Err() != nil || session.Err() != nil {
			break
		}
		done = append(done, s.ID)
	}
	if len(done) == 0 {
		return false, nil
	}
	if err := l.store.Swept(ctx, done); err != nil && ctx.Err() == nil {
		return false, fmt.Errorf("sweep %s: %w", l.name, err)
	}
	return len(sweeps) == sweepBatch, nil
}

// removeSwept removes a temp, and not the earlier version that may be kept beside it while it is replaced in two steps:
// where that was cut off for good, it is the only copy.
func (l *link) removeSwept(ctx context.Context, session Session, s state.Sweep) {
	_ = session.Remove(ctx, s.Temp) // see sweep
}

// ignoreEnd returns nil where ctx has ended, which is no failure of the store.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
