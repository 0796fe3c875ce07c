package syncer

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// conclude acts on the end of a delivery. It returns an error where the destination can take nothing for now.
func (l *link) conclude(ctx context.Context, w *workload, o *outcome) error {
	l.sweepWanted = l.sweepWanted || o.retemped
	switch {
	case o.err == nil:
		w.solo, l.cuts = false, 0
		delete(l.troubles, o.intent.ID)
		if o.intent.Phase == state.Planned { // nothing was sent: the server may still not take anything
			return nil
		}
		l.tookOne(w)
		return l.forgive(ctx)
	case ctx.Err() != nil: // shutting down
		return l.leave(context.WithoutCancel(ctx), w, o)
	case w.sending.Err() != nil && errors.Is(o.err, context.Canceled): // broken off at the end of a window
		return l.leave(ctx, w, o)
	case errors.Is(o.err, errNotBegun):
		w.lost = w.session.Err()
		return nil
	case errors.Is(o.err, errSuperseded): // which was told by whoever did so
		delete(l.troubles, o.intent.ID)
		l.sweepWanted = true
		// It may have made its directories after those were removed for having left the folder.
		if err := leaveDirs(ctx, l.store, l.folderOf(&o.intent), o.intent.Destination, o.intent.Path); err != nil {
			return err
		}
		if o.direct && o.intent.Phase == state.Planned { // it may have begun to write there after it was taken back
			return l.store.SweepLater(ctx, []state.Sweep{state.SweepOfFinal(&o.intent)}, time.Time{})
		}
		return nil
	case isNotYet(o.err):
		l.notYet(&o.intent, o.err)
		return nil
	}
	if err := l.forgetEnded(ctx); err != nil {
		return err
	}
	switch {
	case o.unfit:
		return l.passOver(ctx, w, o)
	case isNoRoom(o.err): // the file stands where it stood, and has failed in nothing
		return o.err
	}
	l.sweepWanted, l.asides = l.sweepWanted || o.aside, l.asides || o.aside
	if l.suspectOneFile(w, o) {
		return l.fail(ctx, o, state.Failure{Next: l.clock()})
	}
	alive := w.session.Err() == nil
	t := l.trouble(w, o, alive)
	t.refused = isRefusedUpload(o.err)
	o.further = t.count(o)
	l.keepIndexing(t, o)
	retry := l.folderOf(&o.intent).Retry
	v := judgeFailure(o.err, alive, failedWith(o, t, l.isFull(w)), retry, l.random)
	inTheWay, err := l.isInTheWay(ctx, o)
	if err != nil {
		return err
	}
	if inTheWay {
		v = verdict{action: later, wait: backoff(retry, o.intent.Failures, l.random)}
	}
	if v.action == pause { // which is no failure of the file
		t.alike[remote.KindOf(o.err)]--
	}
	if v.action == setAside || v.action == anew {
		if err := l.rootTrouble(ctx, w, o.err); err != nil {
			o.err, v = err, verdict{action: pause}
		}
	}
	switch {
	case l.once && inTheWay: // to try again before anything has gone there is in vain
		l.pass(w, o.intent.ID)
		l.ops.awaited = append(l.ops.awaited, o.intent.ID)
	case l.once && (v.action != again || o.alone):
		if t.tries++; t.tries >= onceTries {
			l.pass(w, o.intent.ID)
		}
	}
	return l.act(ctx, w, o, v)
}

// pass leaves an intent alone for the rest of the run.
func (l *link) pass(w *workload, id string) { l.skip[id], w.busy[id] = true, true }

// act does what a verdict says.
func (l *link) act(ctx context.Context, w *workload, o *outcome, v verdict) error {
	next := l.clock().Add(v.wait)
	switch v.action {
	case again:
		w.lost = o.err
		return l.failLost(ctx, o, state.Failure{Next: next})
	case pause:
		if err := l.fail(ctx, o, state.Failure{Next: l.filled(o)}); err != nil {
			return err
		}
		if remote.KindOf(o.err) != remote.Root { // else nothing is removed there, and what is written is not why
			l.removeWritten(ctx, w.session, o)
		}
		if isRefusedUpload(o.err) && l.full != nil {
			return l.full
		}
		return o.err
	case anew:
		return l.beginAnew(ctx, o)
	case replan:
		return l.lookAnew(ctx, w, o)
	case sendAgain:
		l.sweepWanted = true
		f := state.Failure{Next: next, Own: true, Unpublished: true, Temp: nextTemp(o.intent.Temp, o.intent.ID)}
		return l.fail(ctx, o, l.mismatched(o, f))
	case later:
		return l.fail(ctx, o, l.mismatched(o, state.Failure{Next: next, Own: true}))
	}
	if done, err := l.keepBoth(ctx, o); err != nil || done {
		return err
	}
	return l.putAside(ctx, w.session, o, v)
}

// fail records a failed attempt after which the intent stands where it stood, and tells of it.
func (l *link) fail(ctx context.Context, o *outcome, f state.Failure) error {
	f.Err, f.Phase, f.At, f.Further = o.err.Error(), o.intent.Phase, l.clock(), o.further
	if !f.Further {
		f.Spent = spent(&o.intent, o.began, o.took, f.Own)
	}
	l.told(EventFailed, &o.intent, o.err, f.Next)
	return l.store.Fail(ctx, o.intent.ID, f)
}

// putAside parks or holds an intent. The temp goes last: what is committing and has lost its temp would count as
// published.
func (l *link) putAside(ctx context.Context, session Session, o *outcome, v verdict) error {
	delete(l.troubles, o.intent.ID)
	f := l.mismatched(o, state.Failure{Err: o.err.Error(), At: l.clock(), Phase: v.phase, Own: true})
	if e, ok := errors.AsType[*errCollides](o.err); ok {
		f.Collides = e.with.Path
	}
	if e, ok := errors.AsType[*errConflict](o.err); ok {
		f.Conflict = e.there
	}
	if err := l.store.Fail(ctx, o.intent.ID, f); err != nil {
		return err
	}
	t := EventParked
	if v.phase == state.Held {
		t = EventHeld
	}
	l.told(t, &o.intent, o.err, time.Time{})
	o.intent.Phase = v.phase
	l.removeWritten(ctx, session, o)
	l.released(ctx, o.intent.ID)
	l.lookAgain(&o.intent)
	return l.freeIfGone(ctx, session, o)
}

// lookAnew has the watcher look at a source again that is not what was planned. With once nobody would: then the intent
// stays, as something that could not be sent, and the next run plans anew.
func (l *link) lookAnew(ctx context.Context, w *workload, o *outcome) error {
	folder := l.folderOf(&o.intent)
	if l.once && !isMissing(o.intent.Path.In(folder.Root)) {
		l.pass(w, o.intent.ID)
		if err := l.fail(ctx, o, state.Failure{Next: l.clock()}); err != nil {
			return err
		}
		l.removeWritten(ctx, w.session, o)
		return nil
	}
	if err := l.drop(ctx, &o.intent, o.err); err != nil {
		return err
	}
	folder.Hint(o.intent.Path)
	return nil
}

// lookAgain asks the watcher to look at a file that has changed while it was on its way: its hint came when the planner
// could do nothing about it. So it did where the file has left a mirror: a scan has missed it before the destination had it.
func (l *link) lookAgain(i *state.Intent) {
	folder := l.folderOf(i)
	now, _, err := file.Lstat(folder.real(i.Path).In(folder.Root))
	changed := err == nil && (!now.Same(i.Fingerprint) || folder.places().elsewhere(i.Destination, i.Path, i.Final))
	if changed || folder.Deletes && err != nil && isNotThere(err) {
		folder.Hint(i.Path)
	}
}

// isRefusedUpload tells whether a server has refused an upload without saying why. It may not bear what comes together, so
// that the next attempt asks for one thing at a time.
func isRefusedUpload(err error) bool {
	e, ok := errors.AsType[*remote.Error](err)
	return ok && e.Kind == remote.Refused && (e.Op == "put" || e.Op == "sync" || e.Op == "close")
}

// isRefused tells whether the last attempt at a file was refused so.
func (l *link) isRefused(id string) bool {
	t := l.troubles[id]
	return t != nil && t.refused
}

// suspectOneFile tells whether a denial may only mean that the server allows one open file at a time, which some tell as
// PERMISSION_DENIED. The file is tried once more alone: if it is denied again, that was not the reason.
func (l *link) suspectOneFile(w *workload, o *outcome) bool {
	var e *remote.Error
	if !errors.As(o.err, &e) || e.Kind != remote.Permission || e.Op != "put" || w.manyFiles {
		return false
	}
	if o.alone {
		if w.oneFile && w.suspect == o.intent.ID {
			w.oneFile, w.manyFiles = false, true
		}
		return false
	}
	if !w.oneFile {
		w.oneFile, w.suspect = true, o.intent.ID
	}
	return true
}

// troubleOf returns what is remembered of an intent that has failed.
func (l *link) troubleOf(id string) *trouble {
	t := l.troubles[id]
	if t == nil {
		t = &trouble{}
		l.troubles[id] = t
	}
	return t
}

// trouble returns what is remembered of an intent, with this failed attempt.
func (l *link) trouble(w *workload, o *outcome, alive bool) *trouble {
	t := l.troubleOf(o.intent.ID)
	switch t.lost++; {
	case alive:
		t.lost = 0
	case w.progress.lasts() && !o.beginsAnew(): // a long upload that is cut off now and then is not why
		t.lost = 1
	}
	return t
}

// beginsAnew tells whether nothing is left of what an attempt has come to: the server was putting the file together.
func (o *outcome) beginsAnew() bool { return o.intent.Patched && !o.resumed && o.reached == 0 }

// mostIndexings bounds how many indexes wait for their uploads to go on: that of 1 GiB takes some 2 MiB.
const mostIndexings = 16

// keepIndexing keeps the index of an upload that may go on.
func (l *link) keepIndexing(t *trouble, o *outcome) {
	n := 0
	for _, other := range l.troubles {
		if other.indexing != nil {
			n++
		}
	}
	if o.indexing != nil && n < mostIndexings {
		t.indexing = o.indexing
	}
}

// count takes note of how an attempt has failed, and tells whether it has come further than all before it: then what has
// failed before counts no more, since the server takes the file, if only in parts.
func (t *trouble) count(o *outcome) (further bool) {
	if further = o.reached > t.furthest; further {
		t.furthest, t.alike, t.anew = o.reached, nil, false
	}
	t.again(o.err)
	return further
}

// again counts a failure, and returns how many there are of its kind.
func (t *trouble) again(err error) int {
	if t.alike == nil {
		t.alike = map[remote.Kind]int{}
	}
	kind := remote.KindOf(err)
	t.alike[kind]++
	return t.alike[kind]
}

// manyTroubles is how many intents with failed attempts are remembered before it is looked which of them have ended.
const manyTroubles = 256

// forgetEnded forgets what is remembered of intents that were taken back while they waited, of which nobody tells the link:
// a file that is never sent and changes all the time would be remembered once for each change.
func (l *link) forgetEnded(ctx context.Context) error {
	if len(l.troubles) < max(l.enough, manyTroubles) {
		return nil
	}
	for id := range l.troubles {
		i, found, err := l.store.Intent(ctx, id)
		if err != nil {
			return err
		}
		if !found || i.Phase == state.Delivered || i.Phase == state.Cancelled {
			delete(l.troubles, id)
		}
	}
	l.enough = 2 * len(l.troubles)
	return nil
}

// failedWith is the intent's account with this attempt.
func failedWith(o *outcome, t *trouble, full bool) failed {
	i := &o.intent
	f := failed{
		times: i.Failures + 1, alike: t.alike[remote.KindOf(o.err)], lost: t.lost, failing: i.FailingFor + spent(i, o.began, o.took, true),
		resumed: o.resumed, anew: t.anew, full: full,
	}
	if o.further {
		f.times, f.failing = 1, 0
	}
	if remote.KindOf(o.err) == remote.Integrity {
		f.mismatches = i.Mismatches + 1
	}
	return f
}

// mismatched has the next attempt begin anew, under another temp, where the server had other bytes than were sent: they
// may lie below the checkpoint, and a connection that is given up may still write to the temp.
func (l *link) mismatched(o *outcome, f state.Failure) state.Failure {
	if remote.KindOf(o.err) == remote.Integrity {
		f.Mismatch, f.Temp = true, nextTemp(o.intent.Temp, o.intent.ID)
		l.sweepWanted = true
	}
	return f
}

func (l *link) told(t EventType, i *state.Intent, why error, next time.Time) {
	e := eventOf(t, i)
	e.At, e.Err, e.Reason, e.Next = l.now(), why, why.Error(), next
	l.observe(e)
}
