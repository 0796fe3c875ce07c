package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/state"
)

// A server that hangs may do what it was asked for long after the session has ended: when the next attempt is under way, or
// has published the file. WRITEs do no harm then, since they are the same each time. An upload that begins at the beginning
// also has its temp emptied, or made, when it opens it: so that an attempt never begins at the beginning with a temp that an
// attempt of a lost session may have asked to be opened, and what that may make of its temp later is swept once more.

// lateSweep is when a temp is looked for once more that a lost session may have asked to be made.
const lateSweep = time.Hour

// tempAfterLoss returns the temp for the attempt after one whose session was lost; "" keeps it, as where the attempt goes on
// from a checkpoint: then it empties nothing, and nothing was asked to be emptied that has not been.
func tempAfterLoss(ctx context.Context, store Store, i *state.Intent) (string, error) {
	if i.Phase != state.Planned {
		return "", nil
	}
	if _, found, err := store.Checkpoint(ctx, i.ID); err != nil || found {
		return "", err
	}
	return nextTemp(i.Temp, i.ID), nil
}

// failLost is fail for an attempt whose session was lost.
func (l *link) failLost(ctx context.Context, o *outcome, f state.Failure) error {
	if !o.sent {
		return l.fail(ctx, o, f)
	}
	temp, err := tempAfterLoss(ctx, l.store, &o.intent)
	if err != nil {
		return err
	}
	f.Temp = temp
	if err := l.fail(ctx, o, f); err != nil || temp == "" {
		return err
	}
	return sweepOnceMore(ctx, l.store, &o.intent, l.clock())
}

// sweepOnceMore has the temp of a lost session looked for later. No other attempt ever uses it.
func sweepOnceMore(ctx context.Context, store Store, i *state.Intent, now time.Time) error {
	late := state.Sweep{ID: i.ID + " later " + i.Temp, Destination: i.Destination, Temp: i.Temp}
	return store.SweepLater(ctx, []state.Sweep{late}, now.Add(lateSweep))
}

// leave lets an intent stand as it stands at a shutdown, but for its temp.
func (l *link) leave(ctx context.Context, w *workload, o *outcome) error {
	if !o.sent || w.session.Err() == nil {
		return nil
	}
	_, err := renewTemp(ctx, l.store, &o.intent, l.clock())
	return err
}

// renewTemp gives an intent another temp, where tempAfterLoss says so, and leaves all else of it as it is. It returns the temp
// that it has then.
func renewTemp(ctx context.Context, store Store, i *state.Intent, now time.Time) (string, error) {
	temp, err := tempAfterLoss(ctx, store, i)
	if err != nil || temp == "" {
		return i.Temp, err
	}
	f := state.Failure{Err: i.LastError, At: i.FailedAt, Next: i.NextAttempt, Phase: i.Phase, Temp: temp}
	if err := store.Fail(ctx, i.ID, f); err != nil {
		return i.Temp, err
	}
	return temp, sweepOnceMore(ctx, store, i, now)
}
