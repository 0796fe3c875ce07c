package watcher

import (
	"context"
	"fmt"
	"time"
)

// Run watches the folder until ctx ends: it scans, takes hints, and hands files over as they settle. Whatever goes wrong
// meanwhile is in the Status, and mended or tried again; so Run returns nil, unless the Watcher is at work already. Where the
// file system does not answer when ctx ends, Run does not wait for it, and fails with ErrHangs; the Watcher stays at work then.
func (w *Watcher) Run(ctx context.Context, sink Sink) error {
	if !w.running.TryLock() {
		return fmt.Errorf("watch %s: %w", w.rules.Root, errRunning)
	}
	return w.guard(ctx, sink, 0, func(ctx context.Context, sink Sink) error {
		defer w.running.Unlock()
		defer w.attend()()
		w.settling.clear()
		for ctx.Err() == nil {
			look, ok := w.awaitRoot(ctx, sink)
			if !ok {
				break
			}
			w.mounted = look.mountPoint
			(&watch{w: w, sink: sink, root: look.identity}).run(ctx)
			w.settling.clear() // the next root is scanned anew
		}
		return nil
	})
}

// awaitRoot waits until there is a root that can be read. It returns false if ctx ended first.
func (w *Watcher) awaitRoot(ctx context.Context, sink Sink) (rootLook, bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		look, err := w.lookAtRoot()
		if err == nil {
			return look, true
		}
		w.tell(sink, func(s *Status) {
			*s = Status{State: Waiting, Reason: rootReason(w.rules.Root, err), LastScan: s.LastScan}
		})
		timer.Reset(w.tempo.root)
		work := w.progress.rest()
		select {
		case <-ctx.Done():
			work()
			return rootLook{}, false
		case <-timer.C:
		case <-w.dirty.signal: // somebody knows better
		}
		work()
	}
}

// lookAtRoot looks at the root. One that was a mount point and is not any more does not count: what shows is the
// directory below, which is empty for most, and not what the folder holds; unless that is what it held at first.
func (w *Watcher) lookAtRoot() (rootLook, error) {
	look, err := lookAtRoot(w.rules.Root)
	atHome := look.dev == w.home.dev && look.inode == w.home.inode
	if err == nil && w.mounted && !look.mountPoint && !atHome {
		err = ErrUnmounted
	}
	return look, err
}

// tell changes the status and shows it to the sink if it differs. It returns what it was.
func (w *Watcher) tell(sink Sink, change func(*Status)) (before Status) {
	w.telling.Lock()
	defer w.telling.Unlock()
	before = w.status
	s := w.status
	change(&s)
	if w.told && s == w.status {
		return before
	}
	if s.State != w.status.State {
		w.log.Debug("folder "+s.State, "root", w.rules.Root)
	}
	if s.Reason != w.status.Reason && s.Reason != "" {
		w.log.Warn(s.Reason, "root", w.rules.Root)
	}
	w.status, w.told = s, true
	sink.Status(s)
	return before
}

// watch is the time in which one root stays the same.
type watch struct {
	w    *Watcher
	sink Sink
	root identity

	tree    *watchTree // nil where there are no hints
	treeErr error      // why not
	rebuild bool       // the tree cannot be relied on any more

	agenda   agenda
	rootDue  time.Time // of the next look at the root
	partsDue time.Time // of the next look at what is polled by itself; zero: there is nothing
	hintsDue time.Time // when gathered hints are looked at; zero: there are none
	hintsAt  time.Time // of the last look at hints
	network  string    // the kind of the root's file system where it is not local
	last     Summary
	scanErr  error // of the last scan
	stuck    int   // files, at the last look
}

// run watches until ctx ends or the root is another.
func (r *watch) run(ctx context.Context) {
	w := r.w
	w.lookAtMounts(ctx)
	r.agenda = agenda{tempo: w.tempo, rescan: w.rules.Rescan, poll: w.rules.Poll, due: w.now()}
	r.rootDue = w.now().Add(w.tempo.root)
	w.tell(r.sink, func(s *Status) { *s = Status{State: Starting, LastScan: s.LastScan} })
	defer r.closeTree()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil && r.step(ctx) {
		timer.Reset(max(0, r.nextDue().Sub(w.now())))
		work := w.progress.rest()
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-w.dirty.signal:
		}
		work()
	}
}

// step does everything that is due. It returns false if the root is another.
func (r *watch) step(ctx context.Context) bool {
	w := r.w
	if rescan, err := w.dirty.urgent(); rescan || err != nil {
		r.heed(rescan, err)
		r.mountsNow(ctx) // a person may have said that one is not to come back
	}
	r.lookAtClocks()
	r.judgeHints(ctx)
	if !w.now().Before(r.agenda.due) {
		r.hintsNow(ctx) // what they tell of is no news for the scan
		r.scan(ctx)
	}
	if !w.now().Before(r.rootDue) {
		r.rootDue = w.now().Add(w.tempo.root)
		if look, err := w.lookAtRoot(); err != nil || look.identity != r.root {
			return false
		}
		r.mountsNow(ctx)
		r.lookForStuck()
	}
	r.lookAtHints(ctx)
	r.lookAtParts(ctx)
	gone, err := w.handOver(ctx, r.sink)
	if err != nil && ctx.Err() == nil {
		w.log.Warn("hand over settled files", "error", err)
		r.rootDue = w.now() // it may be the reason
	}
	if gone {
		r.agenda.ask(w.now())
	}
	r.tell()
	return true
}

// suspectDue is when something that hints have not told of is judged; zero where there is nothing.
func (r *watch) suspectDue() time.Time {
	if len(r.w.trust.suspects) == 0 {
		return time.Time{}
	}
	return r.w.trust.suspects[0].at.Add(r.w.tempo.grace)
}

// heed plans what a wish to scan or a fault of the watch asks for.
func (r *watch) heed(rescan bool, fault error) {
	now := r.w.now()
	if rescan {
		r.agenda.by(now)
	}
	if fault != nil {
		r.w.log.Warn("hints were lost: the folder will be scanned", "error", fault)
		r.rebuild = r.rebuild || !isOverflow(fault)
		r.w.trust.skip()
		r.agenda.fault(now)
	}
}

// lookAtHints looks at hints once they have gathered.
func (r *watch) lookAtHints(ctx context.Context) {
	w, now := r.w, r.w.now()
	switch {
	case r.hintsDue.IsZero() && !w.dirty.empty():
		r.hintsDue = r.hintsAt.Add(w.tempo.gather) // at once where there was none for a while
	case !r.hintsDue.IsZero() && !now.Before(r.hintsDue):
		r.hintsNow(ctx)
	}
}

// hintsNow looks at all hints that there are.
func (r *watch) hintsNow(ctx context.Context) {
	w := r.w
	r.hintsDue, r.hintsAt = time.Time{}, w.now()
	scan, root := w.look(ctx, w.dirty.take(), r.tree)
	if scan {
		r.agenda.ask(w.now())
	}
	if root != rootSame {
		r.rootDue = w.now()
	}
	if root == rootLeft { // it may be back, the same as ever, but the system has stopped to watch it
		r.rebuild = true
		w.trust.skip()
		r.agenda.by(w.now())
	}
}

// lookAtClocks asks for a scan where the machine has slept, or its clock was set: what happened meanwhile, on a disk that
// was taken out and put back, say, no hint tells.
func (r *watch) lookAtClocks() {
	w := r.w
	d := w.clocks.look()
	if d == (drift{}) {
		return
	}
	w.trust.skip()
	if d.slept > 0 {
		w.log.Info("the machine has slept: the folder will be scanned", "slept", d.slept.String())
		r.agenda.by(w.now())
		r.rootDue = w.now()
	}
}

// mountsNow asks for a scan where a file system was mounted in the folder, or unmounted.
func (r *watch) mountsNow(ctx context.Context) {
	w := r.w
	if w.lookAtMounts(ctx) {
		w.log.Info("what is mounted in the folder has changed: it will be scanned")
		w.trust.skip()
		r.agenda.by(w.now())
	}
}

// lookForStuck counts the files that somebody should look at.
func (r *watch) lookForStuck() {
	r.stuck = r.w.Stuck(time.Time{}, 0).Count
}

// judgeHints asks for scans every so often where hints are found to be lost.
func (r *watch) judgeHints(ctx context.Context) {
	w := r.w
	if len(w.trust.suspects) == 0 {
		return
	}
	r.hintsNow(ctx)
	if w.trust.confirm(w.now(), w.tempo.grace, w.tempo.cleanScans) {
		r.agenda.by(w.now().Add(w.rules.Poll))
	}
}

// nextDue is when step has something to do next.
func (r *watch) nextDue() time.Time {
	next := r.rootDue
	for _, t := range []time.Time{r.agenda.due, r.hintsDue, r.partsDue, r.w.settling.next(), r.suspectDue()} {
		if !t.IsZero() && t.Before(next) {
			next = t
		}
	}
	return next
}
