package syncer

import (
	"context"
	"fmt"
	"maps"
	"time"

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
	asides := l.asides
	l.sweepWanted, l.asides = false, false
	busy := maps.Clone(w.busy) // an upload that has lost its intent still writes to its temp
	swept := make(chan sweepResult, 1)
	w.swept = swept
	go func() { // ends in a result, which work waits for
		l.ops.tree.RLock()
		defer l.ops.tree.RUnlock()
		var err error
		if asides {
			err = l.putBack(ctx, w.session, busy)
		}
		more := false
		if err == nil {
			more, err = l.sweep(ctx, w.session, busy)
		}
		swept <- sweepResult{more, err}
	}()
}

// sweepWaits are the times until a temp is tried again that the server refuses to remove: it may be open there, or rights
// may come back. It is not asked for ever.
var sweepWaits = []time.Duration{10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// sweep removes one batch. Its error is the store's.
func (l *link) sweep(ctx context.Context, session Session, busy map[string]bool) (more bool, err error) {
	now := l.clock()
	sweeps, err := l.store.DueSweeps(ctx, l.name, now, now.Add(sweepWaits[len(sweepWaits)-1]), sweepBatch)
	if err != nil {
		return false, ignoreEnd(ctx, err)
	}
	var done []string
	failed := 0
	for _, s := range sweeps {
		if l.isAtWork(&s, busy) {
			continue
		}
		var why error
		if s.IsFinal() {
			why = l.removeLeft(ctx, session, &s)
		} else {
			why = removeSwept(ctx, session, s)
		}
		if ctx.Err() != nil || session.Err() != nil {
			break
		}
		if why != nil && l.tellUnswept(s, why, now) {
			if err := l.store.SweepFailed(ctx, s.ID, now.Add(sweepWaits[s.Tries])); err != nil {
				return false, ignoreEnd(ctx, err)
			}
			failed++
			continue
		}
		done = append(done, s.ID)
	}
	if len(done)+failed == 0 {
		return false, nil
	}
	if err := l.store.Swept(ctx, done); err != nil && ctx.Err() == nil {
		return false, fmt.Errorf("sweep %s: %w", l.name, err)
	}
	return len(sweeps) == sweepBatch, nil
}

// isAtWork tells whether somebody still writes to what is to be swept.
func (l *link) isAtWork(s *state.Sweep, busy map[string]bool) bool {
	if s.IsFinal() {
		return l.isMoving(s.Intent())
	}
	return l.isUnderWay(s.ID, busy) || l.isReserved(s.ID)
}

// isUnderWay tells whether a delivery is one of busy, or has begun since busy was copied: what is to be swept is read from
// the store later than that, and the delivery may have lost its intent in between.
func (l *link) isUnderWay(intent string, busy map[string]bool) bool {
	return busy[intent] || l.isMoving(intent)
}

// removeSwept removes a temp, and not the earlier version that may be kept beside it while it is replaced in two steps:
// where that was cut off for good, it is the only copy.
func removeSwept(ctx context.Context, session Session, s state.Sweep) error {
	err := session.Remove(ctx, s.Temp)
	if err == nil || session.Err() != nil {
		return err
	}
	// Some servers answer FAILURE for what is gone.
	if left, statErr := stands(ctx, session, s.Temp); statErr == nil && left == nil {
		return nil
	}
	return err
}

// tellUnswept tells that a temp could not be removed. It returns false where that is not tried again.
func (l *link) tellUnswept(s state.Sweep, why error, now time.Time) bool {
	e := Event{
		At: l.now(), Type: EventUnswept, ID: s.Intent(), Destination: l.name, RemotePath: s.Temp, Err: why, Reason: why.Error(),
	}
	again := s.Tries < len(sweepWaits)
	if again {
		e.Next = now.Add(sweepWaits[s.Tries])
	}
	l.observe(e)
	return again
}

// ignoreEnd returns nil where ctx has ended, which is no failure of the store.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
