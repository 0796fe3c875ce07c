package watcher

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Scan walks the folder once and gives what it finds to sink, without watching it. What was not ready can be waited for
// with Settle. It fails if the root cannot be read, if ctx ends, and if the sink does; a place that cannot be read makes
// the Summary incomplete and is not an error. A file system that does not answer for a while is ErrHangs; the Watcher stays at
// work then.
func (w *Watcher) Scan(ctx context.Context, sink Sink) (Summary, error) {
	if !w.running.TryLock() {
		return Summary{}, fmt.Errorf("scan %s: %w", w.rules.Root, errRunning)
	}
	sums := make(chan Summary, 1) // empty where the scan is left behind
	err := w.guard(ctx, sink, w.tempo.giveUp, func(ctx context.Context, sink Sink) error {
		defer w.running.Unlock()
		defer w.attend()()
		w.settling.clear()
		w.lookAtMounts(ctx)
		run, err := w.scan(ctx, sink, nil, nil)
		sums <- run.sum
		return err
	})
	var sum Summary
	select {
	case sum = <-sums:
	default:
	}
	if err != nil {
		return sum, fmt.Errorf("scan %s: %w", w.rules.Root, err)
	}
	return sum, nil
}

// Settle waits for the files that the last Scan found settling, hands those over that become ready, and returns those
// that did not within limit. A limit of 0 is twice the longest of their quiet times. It fails if ctx ends or the sink
// does, and returns what is left then, too.
func (w *Watcher) Settle(ctx context.Context, sink Sink, limit time.Duration) (left []Entry, err error) {
	if !w.running.TryLock() {
		return nil, fmt.Errorf("settle %s: %w", w.rules.Root, errRunning)
	}
	err = w.guard(ctx, sink, w.tempo.giveUp, func(ctx context.Context, sink Sink) error {
		defer w.running.Unlock()
		return w.settle(ctx, sink, limit)
	})
	left = w.settling.entries()
	if err != nil {
		return left, fmt.Errorf("settle %s: %w", w.rules.Root, err)
	}
	return left, nil
}

func (w *Watcher) settle(ctx context.Context, sink Sink, limit time.Duration) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	automatic := limit <= 0
	for start := w.now(); ; {
		if _, err := w.handOver(ctx, sink); err != nil {
			return err
		}
		if automatic { // the first look may find that a file needs longer
			limit = max(limit, 2*w.settling.longest())
		}
		now, next, deadline := w.now(), w.settling.next(), start.Add(limit)
		if next.IsZero() || !now.Before(deadline) {
			return nil
		}
		timer.Reset(min(next.Sub(now), deadline.Sub(now)))
		work := w.progress.rest()
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		work()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

var errRootChanged = errors.New("the folder's root was replaced")

// scan walks the folder and gives it to the sink. Where t is not nil, every directory is watched before it is listed.
// Where root is not nil, no other root is scanned.
func (w *Watcher) scan(ctx context.Context, sink Sink, t *watchTree, root *identity) (*scanRun, error) {
	r := &scanRun{w: w, ctx: ctx, tree: t, want: root}
	if root != nil {
		r.doubt = doubt(w.home, *root)
	}
	if r.doubt == nil {
		r.doubt = w.unsure
	}
	r.sum.Started = w.now()
	err := r.run(sink)
	r.sum.Finished = w.now()
	if r.unlisted > 0 {
		r.sum.Errors = append(r.sum.Errors, fmt.Errorf("%d more", r.unlisted))
	}
	if err == nil {
		err = ctx.Err()
	}
	r.sum.Complete = err == nil && r.ended && len(r.sum.Errors) == 0
	return r, err
}

// scanRun is one scan under way.
type scanRun struct {
	w    *Watcher
	ctx  context.Context
	tree *watchTree
	want *identity
	root *dir
	look rootLook

	doubt error // why nothing may be taken for gone, although all can be read

	sum      Summary
	unlisted int // errors beyond those in sum
	unread   unread
	been     visited
	begun    bool // the sequence is ranged over
	walked   bool // all was seen that can be read, and the root stayed the same
	ended    bool // and there is no doubt about it
}

func (r *scanRun) run(sink Sink) error {
	root, err := openRoot(r.w.rules.Root)
	if err != nil {
		return err
	}
	defer root.close()
	if r.look, err = root.look(); err != nil {
		return err
	}
	if r.want != nil && *r.want != r.look.identity {
		return errRootChanged
	}
	r.root = root
	clear(r.w.fileSystems) // numbers of devices are used again
	r.w.links.forget()
	r.w.rootOn = r.w.kindOf(root)
	r.w.fileSystems[r.look.dev] = r.w.rootOn
	r.been = beginsAt(r.look.dev)
	return sink.Scan(r.ctx, r.entries())
}

// entries is the sequence for the sink.
func (r *scanRun) entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if r.begun {
			return
		}
		r.begun = true
		stopped := false
		walk := r.w.walk(r.ctx, r.tree, func(e Entry, d *dir, name string) bool {
			r.w.progress.step()
			if r.take(&e, d, name) {
				stopped = !yield(e)
			}
			return !stopped
		})
		if r.w.rules.Symlinks == SymlinksInside {
			links, err := r.w.descend()
			if err != nil {
				r.fail(err)
				yield(Entry{Kind: Dir, Seen: r.w.now(), Err: err})
				return
			}
			defer links.close()
			walk.links = links
		}
		if r.tree != nil {
			r.tree.begin()
		}
		st, err := r.root.stat()
		if err == nil {
			walk.tree(branch{dir: r.root}, st)
		}
		if stopped {
			return
		}
		if err == nil {
			err = r.ctx.Err()
		}
		if err == nil {
			err = r.sameRoot()
		}
		if r.walked = err == nil && !r.unread.all; err == nil {
			err = r.doubt
		}
		if err != nil {
			r.fail(err)
			yield(Entry{Kind: Dir, Seen: r.w.now(), Err: err})
			return
		}
		r.ended = true
	}
}

// sameRoot makes sure that the path still means the root that was walked.
func (r *scanRun) sameRoot() error {
	now, err := lookAtRoot(r.w.rules.Root)
	if err == nil && now.identity != r.look.identity {
		err = errRootChanged
	}
	return err
}

// take counts e, and decides about a file whether it is ready. It returns false if e has just gone.
func (r *scanRun) take(e *Entry, d *dir, name string) bool {
	if e.Kind == Dir || e.Fingerprint.Dev != r.look.dev { // of other files their directory has told
		r.w.visit(r.ctx, r.been, e.Fingerprint.Dev)
	}
	if r.tree != nil {
		r.tree.note(e, r.dirOf(e, d))
		r.audit(e, d)
	}
	if e.Kind == File && r.w.staysMarker(e.Path) {
		e.Kind, e.Reason = Other, reasonMarker
	}
	switch {
	case e.Err != nil:
		r.unread.add(e.Path)
		r.fail(e.Err)
	case e.Kind == Dir:
		r.sum.Dirs++
	case e.Kind == File:
		if !r.w.judge(e, d, name) {
			return false
		}
		r.sum.Files++
		if !e.Ready {
			r.sum.Settling++
		}
	}
	return true
}

// dirOf returns the directory, without links, that holds e, which was found in d; of a link, the one that it has by name.
func (r *scanRun) dirOf(e *Entry, d *dir) file.Path {
	if r.w.rules.Symlinks == SymlinksInside && e.Target == "" && len(r.tree.polled) > 0 {
		if real, ok := file.Rel(r.w.rules.Root, d.path); ok {
			return real
		}
	}
	return e.Path.Dir()
}

// audit checks whether hints should have told of the file e.
func (r *scanRun) audit(e *Entry, d *dir) {
	w := r.w
	if e.Err != nil || e.Kind != File || e.Target != "" || !w.trust.checks(e.Fingerprint.ModTime) {
		return
	}
	if r.tree.polled[r.dirOf(e, d)] != nil {
		return
	}
	if w.fileSystemOf(d, e.Fingerprint) == localFS {
		w.trust.check(e.Path, e.Fingerprint.ModTime, w.now())
	}
}

// walk returns a walk that watches each directory before it is listed, where there is a tree, and knows what is unknown.
func (w *Watcher) walk(ctx context.Context, t *watchTree, yield func(e Entry, d *dir, name string) bool) *walk {
	walk := &walk{ctx: ctx, match: w.match, now: w.now, yield: yield, lost: w.lost}
	walk.room.step = w.progress.step
	if w.rules.Symlinks == SymlinksInside {
		walk.linked = w.links.add
	}
	if t == nil {
		return walk
	}
	walk.enter = func(b branch, st stat) {
		p, on := b.real, w.fileSystemOf(b.dir, st.Fingerprint)
		if known := t.notify.recursive() || t.watches(p, st.id()) || t.polled[p] != nil; !known && on == localFS {
			w.trust.check(b.path, max(st.ModTime, st.ChangeTime), w.now()) // a new directory, of which no hint has told
		}
		if !t.watch(p, st) {
			w.dirty.add(p.In(w.rules.Root), 0) // it was moved just now
		}
		if on != localFS && w.rootOn == localFS && w.rules.Watch == WatchAuto {
			t.poll(p, on, nil)
		}
	}
	return walk
}

// maxErrors is how many errors a Summary lists.
const maxErrors = 100

func (r *scanRun) fail(err error) {
	if len(r.sum.Errors) < maxErrors {
		r.sum.Errors = append(r.sum.Errors, err)
	} else {
		r.unlisted++
	}
}
