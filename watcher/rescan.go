package watcher

import (
	"context"
	"errors"
	"fmt"

	"github.com/fsnotify/fsnotify"
)

// isOverflow tells whether events were lost because too many came. The watches themselves stand.
func isOverflow(err error) bool { return errors.Is(err, fsnotify.ErrEventOverflow) }

// scan scans the folder, and mends the watches on the way.
func (r *watch) scan(ctx context.Context) {
	w := r.w
	w.tell(r.sink, func(s *Status) { s.State = Scanning })
	r.openTree()
	started := w.now()
	w.trust.begin(started, w.tempo.grace)
	r.mountsNow(ctx) // what was mounted for a moment only is remembered if a scan has seen it
	defer r.mountsNow(ctx)
	run, err := w.scan(ctx, r.sink, r.tree, &r.root)
	r.last, r.scanErr = run.sum, err
	if ctx.Err() != nil {
		return
	}
	if r.scanErr != nil {
		w.log.Warn("scan failed", "error", r.scanErr)
	}
	r.judgeScan(run)
	r.network = ""
	if w.rootOn != localFS {
		r.network = w.rootOn.String()
	}
	r.agenda.done(started, w.now(), r.polling(), r.last.Complete, r.scanErr != nil)
}

// openTree makes a new tree where there should be one and is none that can be relied on.
func (r *watch) openTree() {
	if r.rebuild {
		r.closeTree()
	}
	if r.tree == nil && r.w.rules.Watch != WatchPoll {
		r.w.trust.skip()
		var notify notifier
		if notify, r.treeErr = r.w.notify(r.w.rules.Root, r.w.dirty); r.treeErr == nil {
			r.tree = newWatchTree(r.w.rules.Root, notify)
		}
	}
}

// judgeScan draws conclusions from the scan that has ended.
func (r *watch) judgeScan(run *scanRun) {
	w := r.w
	switch seen := r.scanErr == nil && run.walked; {
	case seen && run.ended:
		w.home = r.root
		if r.tree == nil {
			break
		}
		r.tree.end(&run.unread)
		w.trust.end(w.now(), run.unread)
		return
	case seen && errors.Is(run.doubt, errOtherRoot):
		w.home = r.root // the next scan is believed
	default:
		r.rootDue = w.now() // it may be the reason
	}
	w.trust.skip()
}

func (r *watch) closeTree() {
	r.rebuild = false
	if r.tree == nil {
		return
	}
	if err := r.tree.close(); err != nil {
		r.w.log.Debug("close the watch", "error", err)
	}
	r.tree = nil
}

// polling tells whether hints cannot be relied on.
func (r *watch) polling() bool {
	return r.tree == nil || r.w.trust.lost() || (r.network != "" && r.w.rules.Watch == WatchAuto)
}

// tell shows how the folder is watched.
func (r *watch) tell() {
	r.w.tell(r.sink, func(s *Status) {
		*s = Status{
			State: Watching, Reason: r.reason(),
			LastScan: r.last.Finished, Complete: r.last.Complete, Files: r.last.Files,
			Settling: r.w.settling.len(), Stuck: r.stuck, Unreliable: r.tree != nil && r.w.trust.lost(),
		}
		if r.tree != nil {
			s.Watches, s.Polled = r.tree.count, len(r.tree.polled)
		}
		if s.Polled > 0 {
			s.PollEvery = r.w.rules.Poll
		}
		if r.polling() {
			s.State, s.Polling, s.PollEvery = Polling, true, r.w.rules.Poll
		}
	})
}

// reason says what is not as it should be, the worst first.
func (r *watch) reason() string {
	root, every := r.w.rules.Root, r.w.rules.Poll
	switch {
	case r.scanErr != nil:
		return fmt.Sprintf("The last scan of %s failed: %v.", root, r.scanErr)
	case len(r.last.Errors) == 1:
		return fmt.Sprintf("The last scan of %s was not complete: %v.", root, r.last.Errors[0])
	case len(r.last.Errors) > 1:
		return fmt.Sprintf("The last scan of %s was not complete: %d places could not be read, the first: %v.",
			root, len(r.last.Errors), r.last.Errors[0])
	case r.treeErr != nil:
		return limitReason(root, 0, r.treeErr, every)
	case r.network != "" && r.w.rules.Watch == WatchAuto:
		return fmt.Sprintf("%s is on a %s file system, which tells nothing of changes made elsewhere: it is scanned every %g s.",
			root, r.network, every.Seconds())
	case r.tree != nil && r.w.trust.lost():
		return fmt.Sprintf("A scan of %s has found changes that the operating system did not tell of, %s for one. It is scanned every %g s "+
			"until %d scans in a row find none.", root, r.w.trust.example.In(root), every.Seconds(), r.w.tempo.cleanScans)
	}
	return r.partsReason()
}
