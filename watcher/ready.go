package watcher

import (
	"context"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/file"
)

// verdict is what a close look at a file finds.
type verdict uint8

const (
	isReady verdict = iota
	isUnsettled
	isMissing // or no longer a regular file
)

// judge decides whether the file e, found by a scan as name in d, is ready. Most files are old, and nothing more than
// their stat is looked at. It returns false if the file has just gone.
func (w *Watcher) judge(e *Entry, d *dir, name string) bool {
	switch w.readyBy(e.Path) {
	case ReadyRename:
		w.settling.drop(e.Path)
		e.Ready = true
		return true
	case ReadyMarker:
		return w.judgeMarked(e, d, name)
	}
	on := w.fileSystemOf(d, e.Fingerprint)
	if _, known := w.settling.get(e.Path); !known {
		first := sighting{print: e.Fingerprint, first: e.Seen, ahead: w.clocks.inflated(e.Fingerprint, e.Seen)}
		if _, e.Ready = settle(first, e.Seen, w.quiet(e.Path, on, writersUnknown)); e.Ready {
			return true
		}
	}
	u := w.observe(e.Path, e.Fingerprint, e.Seen, on)
	found := isUnsettled
	if !e.Seen.Before(u.due) {
		found = w.examine(d, name, u)
	}
	return w.judged(e, u, found)
}

// judgeMarked is judge where markers are waited for: whether there is one is looked at in every scan.
func (w *Watcher) judgeMarked(e *Entry, d *dir, name string) bool {
	if _, known := w.settling.get(e.Path); !known {
		var found file.Fingerprint
		if found, _, e.Ready = w.marked(d, e.Path, e.Fingerprint); e.Ready {
			e.Marker = w.marker.of(e.Path)
			w.used.add(e.Path, e.Fingerprint, found)
			return true
		}
	}
	u := w.observe(e.Path, e.Fingerprint, e.Seen, localFS)
	there := w.judged(e, u, w.examine(d, name, u))
	e.Unmarked = there && !e.Ready
	return there
}

// judged puts into e what was found of u.
func (w *Watcher) judged(e *Entry, u *unsettled, found verdict) bool {
	target := e.Target
	*e = u.entry()
	e.Target = target
	if found != isUnsettled {
		if found == isReady {
			w.spend(u)
		}
		w.settling.drop(e.Path)
		*e = e.Completed()
	}
	return found != isMissing
}

// observe takes a look at the file p, which lies on a file system of that kind, into account.
func (w *Watcher) observe(p file.Path, print file.Fingerprint, seen time.Time, on fileSystem) *unsettled {
	return w.settling.observe(p, print, seen, w.quiet(p, on, writersNone), w.clocks.inflated(print, seen))
}

// examine looks closely at the file name in d, which is due, and puts off the next look if it is not ready. A ready file
// stays in the set until it is handed over.
func (w *Watcher) examine(d *dir, name string, u *unsettled) verdict {
	switch w.readyBy(u.path) {
	case ReadyRename, ReadyMarker:
		return w.examineSeen(d, name, u)
	default:
		return w.examineStable(d, name, u)
	}
}

// examineSeen is for files that need not be quiet: they are complete because they are there, or because their marker is.
func (w *Watcher) examineSeen(d *dir, name string, u *unsettled) verdict {
	now := w.now()
	switch st, err := d.lstat(name); {
	case err != nil && isGone(err), err == nil && st.kind() != File:
		return isMissing
	case err != nil:
		w.settling.retry(u, now, w.tempo.errorLeast, w.tempo.errorMost, err.Error())
		return isUnsettled
	case st.Fingerprint != u.print:
		w.settling.observe(u.path, st.Fingerprint, now, 0, 0)
	}
	if w.rules.Ready == ReadyMarker {
		print, reason, ok := w.marked(d, u.path, u.print)
		if !ok {
			w.settling.retry(u, now, w.tempo.markerLeast, w.tempo.markerMost, reason)
			return isUnsettled
		}
		w.settling.mark(u, w.marker.of(u.path), print)
	}
	w.settling.looked(u, now)
	return isReady
}

// examineStable finds a file ready if it has been quiet for its quiet time, no writer has it open, and three stats agree:
// the last look's, the handle's and, after the probe, the path's.
func (w *Watcher) examineStable(d *dir, name string, u *unsettled) verdict {
	now := w.now()
	print, probed := u.print, writersUnknown
	switch f, err := d.open(name); {
	case err == nil:
		print, err = file.OfHandle(f)
		probed = probeWriters(f)
		_ = f.Close() // nothing was written
		if err != nil {
			w.settling.retry(u, now, w.tempo.errorLeast, w.tempo.errorMost, err.Error())
			return isUnsettled
		}
	case isBusy(err):
		probed = writersPresent
	case isGone(err), isNotFile(err):
		return isMissing
	default:
		// It exists and cannot be opened. That is for whoever sends it to say; here it is settled by its stats.
	}
	if print != u.print {
		w.settling.observe(u.path, print, now, u.quiet, 0)
		return isUnsettled
	}
	if quiet := w.quiet(u.path, w.fileSystemOf(d, print), probed); quiet != u.quiet && probed != writersPresent {
		w.settling.requiet(u, quiet)
	}
	if until, ready := settle(u.sighting, now, u.quiet); !ready {
		w.settling.later(u, until, u.reason)
		return isUnsettled
	}
	if probed == writersPresent {
		w.settling.busy(u, now, w.tempo)
		return isUnsettled
	}
	switch st, err := d.lstat(name); {
	case err != nil && isGone(err), err == nil && st.kind() != File:
		return isMissing
	case err != nil:
		w.settling.retry(u, now, w.tempo.errorLeast, w.tempo.errorMost, err.Error())
		return isUnsettled
	case st.Fingerprint != print:
		w.settling.observe(u.path, st.Fingerprint, now, u.quiet, 0)
		return isUnsettled
	}
	w.settling.looked(u, now)
	return isReady
}

// quiet is the quiet time of the file at p, on a file system of that kind, by what the probe for writers says.
func (w *Watcher) quiet(p file.Path, on fileSystem, probed writers) time.Duration {
	switch {
	case w.readyBy(p) != ReadyStable:
		return 0
	case w.rules.StableFor > 0:
		return w.rules.StableFor
	case on != localFS:
		return w.tempo.remote
	case probed == writersUnknown:
		return w.tempo.blind
	default:
		return w.tempo.probed
	}
}

// fileSystemOf tells what kind of file system the file with that fingerprint in d lies on.
func (w *Watcher) fileSystemOf(d *dir, print file.Fingerprint) fileSystem {
	kind, ok := w.fileSystems[print.Dev]
	if !ok {
		kind = w.kindOf(d)
		w.fileSystems[print.Dev] = kind
	}
	return kind
}

// handOverMost is how many files go to the sink in one call.
const handOverMost = 512

// handOver looks at the files that are due and gives the sink those that are ready. gone tells that some have vanished.
func (w *Watcher) handOver(ctx context.Context, sink Sink) (gone bool, err error) {
	now := w.now()
	for ctx.Err() == nil {
		due := w.settling.due(now, handOverMost)
		if len(due) == 0 {
			return gone, nil
		}
		ready, vanished, err := w.examineAll(due)
		gone = gone || vanished
		if err != nil {
			return gone, err
		}
		if len(ready) == 0 {
			continue
		}
		entries := make([]Entry, len(ready))
		for i, u := range ready {
			entries[i] = u.entry().Completed()
		}
		if err := sink.Ready(ctx, entries); err != nil {
			for _, u := range ready {
				w.settling.retry(u, w.now(), w.tempo.sinkLeast, w.tempo.sinkMost, reasonSettling)
			}
			return gone, fmt.Errorf("hand over %d files: %w", len(entries), err)
		}
		for _, u := range ready {
			w.spend(u)
			w.settling.drop(u.path)
		}
	}
	return gone, nil
}

// examineAll examines the files in due, which are in order of path.
func (w *Watcher) examineAll(due []*unsettled) (ready []*unsettled, gone bool, err error) {
	putOff := func(u *unsettled, err error) {
		w.settling.retry(u, w.now(), w.tempo.errorLeast, w.tempo.errorMost, err.Error())
	}
	way, err := w.descend()
	if err != nil {
		for _, u := range due {
			putOff(u, err)
		}
		return nil, false, err
	}
	defer way.close()
	for _, u := range due {
		w.progress.step()
		found := isMissing
		d, name, real, err := way.find(u.path)
		switch {
		case err == nil:
			if real != u.path {
				w.settling.lead(u, real)
			}
			found = w.examine(d, name, u)
		case !isGone(err):
			putOff(u, err)
			continue
		}
		switch found {
		case isReady:
			ready = append(ready, u)
		case isMissing:
			w.settling.drop(u.path)
			gone = true
		}
	}
	return ready, gone, nil
}
