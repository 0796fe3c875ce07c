package syncer

import (
	"iter"
	"slices"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// Change is a decision about one file on one route, with what it rests on.
type Change struct {
	Path        file.Path
	Destination string
	Decision    Decision
	Entry       watcher.Entry // zero where the file is missing
	Known       *state.Known  // nil where the destination is not known to have it
	Open        *state.Intent // nil where nothing is under way
	Version     string        // of an intent on another route for the same bytes; "" where there is none
}

// merge tells what follows from what a folder holds, and what is known of it.
type merge struct {
	folder       *Folder
	destinations []string
	places       places
	seen         func(watcher.Entry, state.Record) error // called with each file and what is known of it; nil: nothing is
}

func mergeOf(f *Folder) *merge {
	return &merge{folder: f, destinations: f.destinations(), places: f.places()}
}

// changes merge-joins a scan with what is known of its folder, both in the byte-wise order of their paths, and yields
// what follows, or is under way. It holds one path of each, so a folder's size does not matter. What lies under an unreadable place
// is unknown; a scan that says at its end that it cannot be trusted (watcher.Sink) makes nothing missing at all, which is
// why missing files come last.
//
// passed is called with each record for which the scan shows no file, in their order. Whether such a file is missing shows at the
// scan's end.
func (m *merge) changes(entries iter.Seq[watcher.Entry], known iter.Seq2[state.Record, error], passed func(state.Record) error) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		next, stop := iter.Pull2(known)
		defer stop()
		record, err, more := next()
		var missing []state.Record
		var unreadable unread
		trusted := true
		// behind takes the records that the scan has passed without an entry.
		behind := func(until func(file.Path) bool) {
			for more && err == nil && until(record.Path) {
				if !unreadable.covers(record.Path) {
					record = m.places.of(record)
					if err = passed(record); err != nil {
						return
					}
					if len(missing) < maxMissing && m.matters(record) {
						missing = append(missing, record)
					}
				}
				record, err, more = next()
			}
		}
		for e := range entries {
			if err != nil {
				break
			}
			if e.Path == "" {
				trusted = false
				break
			}
			behind(func(p file.Path) bool { return p < e.Path })
			if e.Err != nil {
				unreadable.add(e.Path)
				continue
			}
			if e.Kind != watcher.File {
				continue
			}
			var found state.Record
			if more && err == nil && record.Path == e.Path {
				found = record
				record, err, more = next()
			}
			if !m.present(e, found, yield) {
				return
			}
		}
		if err == nil && trusted {
			behind(func(file.Path) bool { return true })
		}
		if err != nil {
			yield(Change{}, err)
			return
		}
		if !trusted {
			return
		}
		for _, r := range missing {
			if !m.gone(r, yield) {
				return
			}
		}
	}
}

// maxMissing bounds what one scan remembers of missing files of which something follows; the next scan takes the rest.
const maxMissing = 10_000

func underAny(p file.Path, dirs []file.Path) bool {
	for _, dir := range dirs {
		if p == dir || p.Under(dir) {
			return true
		}
	}
	return false
}

// present decides for a file that is there, on every route of its folder.
func (m *merge) present(e watcher.Entry, r state.Record, yield func(Change, error) bool) bool {
	e = m.folder.completed(e, r)
	if m.seen != nil {
		if err := m.seen(e, r); err != nil {
			return yield(Change{}, err)
		}
	}
	r = m.places.of(r)
	for _, destination := range m.destinations {
		c := Change{
			Path: e.Path, Destination: destination, Entry: e, Known: knownOf(r, destination), Open: openOf(r, destination),
			Version: versionOf(r, e.Fingerprint),
		}
		c.Decision = Decide(localOf(e), c.Known, c.Open, m.folder.endsStory())
		if c.Decision.Op == Nothing && c.Open == nil {
			continue
		}
		if !yield(c, nil) {
			return false
		}
	}
	return true
}

// gone decides for a file that is gone, on every route that knows it.
func (m *merge) gone(r state.Record, yield func(Change, error) bool) bool {
	var few [4]string
	seen := few[:0]
	decide := func(destination string) bool {
		if slices.Contains(seen, destination) {
			return true
		}
		seen = append(seen, destination)
		c := Change{Path: r.Path, Destination: destination, Known: knownOf(r, destination), Open: openOf(r, destination)}
		c.Decision = Decide(Local{}, c.Known, c.Open, m.folder.endsStory())
		return c.Decision.Op == Nothing || yield(c, nil)
	}
	for _, i := range r.Intents {
		if !decide(i.Destination) {
			return false
		}
	}
	for _, k := range r.Known {
		if !decide(k.Destination) {
			return false
		}
	}
	return true
}

// matters tells whether anything follows from a file's being gone. Of a kept outbox very many are gone of which nothing does.
func (m *merge) matters(r state.Record) (matters bool) {
	m.gone(r, func(Change, error) bool {
		matters = true
		return false
	})
	return matters
}

func knownOf(r state.Record, destination string) *state.Known {
	for i := range r.Known {
		if r.Known[i].Destination == destination {
			return &r.Known[i]
		}
	}
	return nil
}

// openOf returns the intent that speaks for a route: one under way before one that is only waiting for its source to
// be taken away.
func openOf(r state.Record, destination string) *state.Intent {
	var open *state.Intent
	for i := range r.Intents {
		intent := &r.Intents[i]
		if intent.Source != "" { // it is not about the folder's file
			continue
		}
		if intent.Destination == destination && (open == nil || open.Phase == state.Delivered) {
			open = intent
		}
	}
	return open
}

// versionOf returns the version under which the same bytes are under way already, on whatever route.
func versionOf(r state.Record, f file.Fingerprint) string {
	for _, i := range r.Intents {
		if i.Fingerprint.Same(f) && i.Source == "" {
			return i.Version
		}
	}
	return ""
}
