package syncer

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

const (
	// operationBatch is how many operations are fetched from the store at once.
	operationBatch = 64
	// operationsAtOnce bounds those under way beside the deliveries of a link: each is a few small requests.
	operationsAtOnce = 8
	// refusedRetry is how long an operation waits that the server has refused several times: nothing but a person changes
	// that.
	refusedRetry = time.Hour
)

// operating is a link's work on operations, which goes on beside the deliveries of a session. But for names it belongs to
// the link's goroutine.
type operating struct {
	names turns        // final names: a removal and a publication never work on one at the same time
	tree  sync.RWMutex // held by whoever counts on where directories are, and alone by who moves one: see respelldir.go

	wanted  bool            // there may be operations that are due
	asked   time.Time       // the moment up to which those that were due have been asked for
	running <-chan operated // of the batch under way; nil where there is none
	skip    map[string]bool // nothing for this run: of folders that are not its own, or tried enough
	tries   map[string]int  // with once
	awaited []string        // with once: intents that are left alone until something was removed
}

// operated is how a batch has ended.
type operated struct {
	more   bool     // there may be more that is due
	done   int      // that have come to an end
	failed []string // ids
	passed []string // ids of those that are nothing for this run
	lost   error    // the connection's, with an operation under way
	err    error    // the store's
}

// operationsAsked is the moment from which the next operation is looked for. Operations are not asked for each time the link looks around:
// what has become due since they were is not to be missed. Where they will be asked for anyway, it does not count.
func (l *link) operationsAsked(asked time.Time) time.Time {
	if l.ops.wanted {
		return asked
	}
	return l.ops.asked
}

// operationsDue tells whether an operation is due at the moment asked.
func (l *link) operationsDue(ctx context.Context, asked time.Time) (bool, error) {
	if l.last {
		return false, nil
	}
	for {
		due, err := l.store.DueOperations(ctx, l.name, l.ripeAt(asked), operationBatch, l.ops.skip)
		if err != nil {
			return false, ignoreEnd(ctx, err)
		}
		left := len(due)
		for i := range due {
			if l.isForeign(&due[i]) {
				l.passOperation(due[i].ID)
				left--
			}
		}
		if left > 0 || len(due) < operationBatch {
			return left > 0, nil
		}
	}
}

// ripeAt is the moment up to which next attempts count as due.
func (l *link) ripeAt(asked time.Time) time.Time {
	if l.once {
		return asked.AddDate(100, 0, 0)
	}
	return asked
}

// isForeign tells whether an operation is of a folder that is none of this run's.
func (l *link) isForeign(o *state.Operation) bool {
	c := l.common()
	_, ours := c.folders[o.Folder]
	return !ours && (c.gone == nil || !c.gone(o.Folder))
}

func (l *link) passOperation(id string) {
	if l.ops.skip == nil {
		l.ops.skip = map[string]bool{}
	}
	l.ops.skip[id] = true
}

// nextWork returns when the next intent is due that was not at the moment asked, or the next operation that was not when
// operations were asked for.
func (l *link) nextWork(ctx context.Context, asked, operations time.Time) (time.Time, bool, error) {
	at, found, err := l.store.NextDue(ctx, l.name, asked)
	if err != nil {
		return at, found, err
	}
	o, more, err := l.store.NextOperation(ctx, l.name, operations)
	if more && (!found || o.Before(at)) {
		at, found = o, true
	}
	return at, found, err
}

// startOperations begins a batch of operations that were due at the moment asked.
func (l *link) startOperations(ctx context.Context, session Session, asked time.Time) {
	if l.last {
		l.ops.wanted, l.ops.asked = false, asked
		return
	}
	if !l.ops.wanted || l.ops.running != nil {
		return
	}
	l.ops.wanted, l.ops.asked = false, asked
	ended := make(chan operated, 1)
	l.ops.running = ended
	skip := maps.Clone(l.ops.skip)
	go func() { ended <- l.operate(ctx, session, l.ripeAt(asked), skip) }() // ends in a result, which work waits for
}

// endOperations takes the result of a batch.
func (l *link) endOperations(ctx context.Context, w *workload, r operated) {
	l.ops.running = nil
	l.ops.wanted = l.ops.wanted || r.more
	w.begun = w.begun || r.done+len(r.failed) > 0
	if r.done > 0 && r.err == nil {
		r.err = l.forgive(ctx)
	}
	if r.done > 0 {
		for _, id := range l.ops.awaited {
			delete(l.skip, id)
			delete(w.busy, id)
		}
		l.ops.awaited = nil
	}
	for _, id := range r.passed {
		l.passOperation(id)
	}
	for _, id := range r.failed {
		if !l.once {
			continue
		}
		if l.ops.tries == nil {
			l.ops.tries = map[string]int{}
		}
		if l.ops.tries[id]++; l.ops.tries[id] >= onceTries {
			l.passOperation(id)
		}
	}
	if r.lost != nil {
		w.lost = r.lost
	}
	if r.err != nil && w.pause == nil {
		w.pause = r.err
	}
}

// operate works on one batch. Operations of one step may run beside each other, but for the removal of directories: the
// inner ones come first.
func (l *link) operate(ctx context.Context, session Session, now time.Time, skip map[string]bool) operated {
	due, err := l.store.DueOperations(ctx, l.name, now, operationBatch, skip)
	if err != nil {
		return operated{err: ignoreEnd(ctx, err)}
	}
	r := operated{more: len(due) > 0}
	var mu sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, operationsAtOnce)
	if len(due) > 0 && due[0].Step == state.StepRmdir {
		slots = make(chan struct{}, 1)
	}
	for i := range due {
		o := &due[i]
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			ended := l.operateOn(ctx, session, o)
			mu.Lock()
			defer mu.Unlock()
			r.done += ended.done
			r.failed = append(r.failed, ended.failed...)
			r.passed = append(r.passed, ended.passed...)
			r.lost, r.err = errors.Join(r.lost, ended.lost), errors.Join(r.err, ended.err)
		})
	}
	running.Wait()
	return r
}

// operateOn works on one operation.
func (l *link) operateOn(ctx context.Context, session Session, o *state.Operation) operated {
	if ctx.Err() != nil || session.Err() != nil {
		return operated{}
	}
	if l.isForeign(o) {
		return operated{passed: []string{o.ID}}
	}
	stopped, err := l.store.Paused(ctx, o.Route) // since it was fetched
	if err != nil || stopped {
		return operated{err: ignoreEnd(ctx, err)}
	}
	err = l.perform(ctx, session, o)
	switch {
	case err == nil:
		return operated{done: 1}
	case ctx.Err() != nil:
		return operated{}
	case isNoRoom(err):
		return operated{err: err}
	}
	r := operated{failed: []string{o.ID}}
	lost := session.Err() != nil && remote.KindOf(err) == remote.Transient
	next := l.clock().Add(operationWait(err, lost, o.Attempts+1, l.retry()))
	if lost {
		r.lost = err
	}
	if !errors.Is(err, errHoldsOurs) { // which is as it should be
		e := operationEvent(EventFailed, o)
		e.At, e.Err, e.Reason, e.Next = l.now(), err, err.Error(), next
		l.observe(e)
	}
	r.err = ignoreEnd(ctx, l.store.FailOperation(ctx, o.ID, err.Error(), next))
	return r
}

// operationWait is how long an operation waits after its n-th failure.
func operationWait(err error, lost bool, n int, retry Retry) time.Duration {
	kind := remote.KindOf(err)
	switch {
	case lost && n < lossesBeforeWaiting:
		return 0
	case errors.Is(err, errHoldsOurs):
		return min(time.Duration(n)*holdsOursWait, max(retry.Max, holdsOursWait))
	case (kind == remote.Permission || kind == remote.Unsupported || kind == remote.Refused) && n >= refusalsBeforeParking:
		return refusedRetry
	}
	return backoff(retry, n, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())))
}

// perform does what an operation asks for, if everything is still as it was when it was planned; else it ends it. Any
// error leaves the operation in the store.
func (l *link) perform(ctx context.Context, session Session, o *state.Operation) error {
	f, route, ok := l.rulesOf(o)
	switch {
	case o.Step == state.StepDelete:
		return (&removing{link: l, session: session, o: o, folder: f, route: route}).run(ctx)
	case !ok:
		return l.store.DropOperation(ctx, o.ID)
	case o.Step == state.StepMkdir:
		return l.makeDir(ctx, session, o, f)
	case o.Step == state.StepRmdir:
		return l.removeDir(ctx, session, o, f, route)
	}
	return (&removing{link: l, session: session, o: o, folder: f, route: route}).expire(ctx)
}

// rulesOf returns the folder and the route of an operation, as the configuration has them now; nil where it has them no
// more.
func (l *link) rulesOf(o *state.Operation) (*Folder, Route, bool) {
	f := l.common().folders[o.Folder]
	if f == nil {
		return nil, Route{}, false
	}
	r, ok := f.route(o.Destination)
	return f, r, ok && f.Mirror
}

// makeDir makes a directory that is empty in the folder.
func (l *link) makeDir(ctx context.Context, session Session, o *state.Operation, f *Folder) error {
	name := f.real(o.Path).In(f.Root)
	if !isDir(name) {
		return l.store.DropOperation(ctx, o.ID)
	}
	// Those above it may hold nothing of ours yet but this one, and then nothing else would speak for them.
	if err := leaveDirs(ctx, l.store, f, o.Destination, o.Path); err != nil {
		return err
	}
	if err := session.MakeDir(ctx, o.RemotePath); err != nil {
		return err
	}
	above, err := ofDirectory(filepath.Dir(name)) // what is mounted on it is another file system, and may not be there for long
	if err != nil {
		return l.store.DropOperation(ctx, o.ID)
	}
	if err := l.store.DirMade(ctx, o, above.Dev); err != nil {
		return err
	}
	l.tellOperation(EventMadeDir, o, "")
	return nil
}

// removeDir removes a directory that has left the folder, if nothing is in it. One that holds something is not ours
// alone, and stays.
func (l *link) removeDir(ctx context.Context, session Session, o *state.Operation, f *Folder, route Route) error {
	g, err := groundOf(ctx, l.store, f)
	if err != nil {
		return err
	}
	if stands, err := rootStands(ctx, l.store, f, o); err != nil || !f.Deletes || !g.lacksDir(o.Path) || !stands {
		if err == nil {
			err = l.store.DropOperation(ctx, o.ID)
		}
		return err
	}
	if done, err := l.respellLeft(ctx, session, o, f, route); err != nil || done {
		return err
	}
	if respelled, err := l.isRespelledDir(ctx, session, o); err != nil || respelled {
		if err == nil {
			err = l.store.DirGone(ctx, o)
		}
		return err
	}
	err = session.Rmdir(ctx, o.RemotePath)
	if err != nil && (session.Err() != nil || remote.KindOf(err) == remote.Transient) {
		return err
	}
	if err != nil {
		later, storeErr := l.mayBeEmptyLater(ctx, o)
		switch {
		case storeErr != nil:
			return storeErr
		case later && l.once: // the next run looks
			return l.store.DropOperation(ctx, o.ID)
		case later:
			return errors.Join(errHoldsOurs, err)
		}
	}
	if storeErr := l.store.DirGone(ctx, o); storeErr != nil {
		return storeErr
	}
	if err == nil {
		l.tellOperation(EventRemovedDir, o, "")
		l.poke() // something may have waited for its name
	}
	if f.Rescan != nil && g.holdsDir(o.Path) { // it has come back at this moment
		f.Rescan()
	}
	return nil
}

// isRespelledDir tells whether the server takes the name of another directory on record for one's.
func (l *link) isRespelledDir(ctx context.Context, session Session, o *state.Operation) (bool, error) {
	f := session.Capabilities().Folding()
	if !f.Folds() {
		return false, nil
	}
	dirs, err := l.store.Dirs(ctx, o.Folder)
	return slices.ContainsFunc(dirs, func(d state.Dir) bool {
		return d.Destination == o.Destination && d.Path != o.Path && f.Same(d.RemotePath, o.RemotePath)
	}), err
}

// errHoldsOurs is why a directory is tried again that was not empty.
var errHoldsOurs = errors.New("something of ours is still in it")

// holdsOursWait is how long it takes until that is gone, as a rule.
const holdsOursWait = 5 * time.Second

// mayBeEmptyLater tells whether a directory may hold nothing but what is ours and about to go: files and directories, or
// temps that are swept.
func (l *link) mayBeEmptyLater(ctx context.Context, o *state.Operation) (bool, error) {
	if holds, err := l.store.HoldsOurs(ctx, o.Route, o.Path); err != nil || holds {
		return holds, err
	}
	temps, err := l.store.Sweeps(ctx, l.name, 1)
	return len(temps) > 0 && o.Attempts < refusalsBeforeParking, err
}

// rootStands tells whether the folder's root is the one for which an operation was planned, with its marker.
func rootStands(ctx context.Context, store cycleStore, f *Folder, o *state.Operation) (bool, error) {
	root, err := ofDirectory(f.Root)
	if err != nil || root.Dev != o.RootDev || root.Inode != o.RootInode {
		return false, nil //nolint:nilerr // it stands no more
	}
	return markStands(ctx, store, f)
}

func operationEvent(t EventType, o *state.Operation) Event {
	return Event{Type: t, ID: o.ID, Folder: o.Folder, Destination: o.Destination, Path: o.Path, RemotePath: o.RemotePath}
}

func (l *link) tellOperation(t EventType, o *state.Operation, why string) {
	e := operationEvent(t, o)
	e.At, e.Reason = l.now(), why
	l.observe(e)
}
