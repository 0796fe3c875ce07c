package syncer

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// When a file has failed because the server's disk is full, the destination rests, and then sends one file at a time until
// one has arrived. A file is not begun where the server says that it does not fit. Where it does not say so, each attempt
// fills the partner's disk, so that a file that did not fit is let alone for longer each time.

const (
	// longestFullWait is the most that a file is let alone that was sent in vain.
	longestFullWait = time.Hour
	// longestPass is the most that one is let alone of which the server says that it does not fit: to ask costs nothing.
	longestPass = 10 * time.Minute
	// mostPasses is how many are passed over before the destination rests: others have their turn later.
	mostPasses = 16
)

// fullWait returns for how long the n-th failure in a row for want of room lets a file alone.
func fullWait(r Retry, n int) time.Duration {
	wait := min(fullRetry, max(r.Max, r.Initial))
	for range n - 1 {
		wait = min(2*wait, max(longestFullWait, wait))
	}
	return wait
}

// fits returns an error where the server says that a file does not fit, and has shown before that this matters.
func (l *link) fits(ctx context.Context, w *workload, o *outcome) error {
	i := &o.intent
	if !o.tight || i.Phase != state.Planned || i.MovedFrom != "" {
		return nil
	}
	there, err := l.alreadyThere(ctx, w.session, i)
	if err != nil {
		return err
	}
	return w.session.Fits(ctx, i.Final, i.Fingerprint.Size-there)
}

// alreadyThere returns how much of a file takes up room at the server already, and is not sent again: else one that was cut
// off would wait for room that it takes itself. What a checkpoint counts may be gone: a full disk has its temps removed.
func (l *link) alreadyThere(ctx context.Context, session Session, i *state.Intent) (int64, error) {
	point, found, err := l.store.Checkpoint(ctx, i.ID)
	if err != nil || !found || point.Offset == 0 {
		return 0, err
	}
	temp, err := stands(ctx, session, written(i))
	if err != nil && session.Err() != nil {
		return 0, err
	}
	if err != nil || temp == nil { // who cannot look sends all of it
		return 0, nil //nolint:nilerr // see above
	}
	return min(point.Offset, temp.Size, i.Fingerprint.Size), nil
}

// filled takes note that the server had no room for a file, and returns when that is tried again.
func (l *link) filled(o *outcome) time.Time {
	t := l.troubles[o.intent.ID]
	if remote.KindOf(o.err) == remote.Root || t == nil {
		return l.clock()
	}
	if remote.KindOf(o.err) == remote.DiskFull {
		l.full = o.err
	}
	t.full++
	return l.clock().Add(fullWait(l.folderOf(&o.intent).Retry, t.full))
}

// isFull tells whether the server had no room, and nothing has arrived since: a refusal without a reason has that reason then,
// although there is some room again by the time that the server is asked for it.
func (l *link) isFull(w *workload) bool {
	return l.full != nil || remote.KindOf(w.pause) == remote.DiskFull
}

// passOver leaves a file for later that does not fit. Others may.
func (l *link) passOver(ctx context.Context, w *workload, o *outcome) error {
	w.unfit++
	w.noFit = o.err
	if l.full != nil {
		l.full = o.err
	}
	if l.once {
		l.pass(w, o.intent.ID)
	}
	t := l.troubleOf(o.intent.ID)
	t.passed++
	wait := min(fullWait(l.folderOf(&o.intent).Retry, t.passed), longestPass)
	return l.fail(ctx, o, state.Failure{Next: l.clock().Add(wait)})
}

// tookOne takes note that there is room again.
func (l *link) tookOne(w *workload) { l.full, w.full, w.noFit, w.unfit = nil, false, nil, 0 }

// isIdle says that there is nothing to do, or why what there is waits.
func (l *link) isIdle(ctx context.Context, asked time.Time) {
	if l.full != nil {
		if at, ok, err := l.nextWork(ctx, asked, asked); err == nil && ok {
			l.setState(LinkWaiting, l.full, at)
			return
		}
	}
	l.setState(LinkIdle, nil, time.Time{})
}
