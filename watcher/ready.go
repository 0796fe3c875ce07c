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

// examine looks closely at the file name in d, which is due, and puts off the next look if it is not ready. A ready file
// stays in the set until it is handed over. It is ready if it has been quiet for its quiet time, no writer has it open,
// and three stats agree: the last look's, the handle's and, after the probe, the path's.
func (w *Watcher) examine(d *dir, name string, u *unsettled) verdict {
	now := w.now()
	print, probed := u.print, writersUnknown
	switch f, err := d.open(name); {
	case err == nil:
		print, err = file.OfHandle(f)
		probed = probeWriters(f)
		_ = f.Close() // nothing was written
		if err != nil {
			w.settling.retry(u, now, w.tempo.busyLeast, w.tempo.busyMost, err.Error())
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
		w.settling.observe(u.path, print, now, u.quiet)
		return isUnsettled
	}
	if quiet := w.quiet(w.fileSystemOf(d, print), probed); quiet != u.quiet && probed != writersPresent {
		w.settling.requiet(u, quiet)
	}
	if until, ready := settle(u.sighting, now, u.quiet); !ready {
		w.settling.later(u, until, u.reason)
		return isUnsettled
	}
	if probed == writersPresent {
		w.settling.retry(u, now, w.tempo.busyLeast, w.tempo.busyMost, reasonWriting)
		return isUnsettled
	}
	switch st, err := d.lstat(name); {
	case err != nil && isGone(err), err == nil && st.kind() != File:
		return isMissing
	case err != nil:
		w.settling.retry(u, now, w.tempo.busyLeast, w.tempo.busyMost, err.Error())
		return isUnsettled
	case st.Fingerprint != print:
		w.settling.observe(u.path, st.Fingerprint, now, u.quiet)
		return isUnsettled
	}
	w.settling.looked(u, now)
	return isReady
}

// quiet is the quiet time of a file on a file system of that kind, by what the probe for writers says.
func (w *Watcher) quiet(on fileSystem, probed writers) time.Duration {
	switch {
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
		kind = d.fileSystem()
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
			entries[i] = u.entry()
			entries[i].Ready, entries[i].Until, entries[i].Reason = true, time.Time{}, ""
		}
		if err := sink.Ready(ctx, entries); err != nil {
			for _, u := range ready {
				w.settling.retry(u, w.now(), w.tempo.sinkLeast, w.tempo.sinkMost, reasonSettling)
			}
			return gone, fmt.Errorf("hand over %d files: %w", len(entries), err)
		}
		for _, u := range ready {
			w.settling.drop(u.path)
		}
	}
	return gone, nil
}

// examineAll examines the files in due, which are in order of path.
func (w *Watcher) examineAll(due []*unsettled) (ready []*unsettled, gone bool, err error) {
	putOff := func(u *unsettled, err error) {
		w.settling.retry(u, w.now(), w.tempo.busyLeast, w.tempo.busyMost, err.Error())
	}
	way, err := descend(w.rules.Root)
	if err != nil {
		for _, u := range due {
			putOff(u, err)
		}
		return nil, false, err
	}
	defer way.close()
	for _, u := range due {
		found := isMissing
		d, name, err := way.parent(u.path)
		switch {
		case err == nil:
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
