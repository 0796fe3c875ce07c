package syncer

import (
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// A marker says once that a version of a file is complete. It may be gone later, and a folder may come to want markers when its files are
// delivered already: neither makes a version incomplete that has counted as complete.

// WasComplete tells whether a version of a file has counted as complete before: it was delivered to some destination, or is under way. One
// whose mode was changed is the same here, as no new marker is coming for it.
func WasComplete(r state.Record, f file.Fingerprint) bool {
	for i := range r.Known {
		if r.Known[i].Fingerprint.SameFile(f) {
			return true
		}
	}
	for i := range r.Intents {
		if in := &r.Intents[i]; in.Source == "" && in.Fingerprint.SameFile(f) {
			return true
		}
	}
	return false
}

// completed returns what a scan or a hint has found, as ready if it only waits for a marker and its version was complete before. Nobody
// waits for it any longer then.
func (f *Folder) completed(e watcher.Entry, r state.Record) watcher.Entry {
	if !e.Unmarked || !WasComplete(r, e.Fingerprint) {
		return e
	}
	if f.Complete != nil {
		f.Complete(e.Path)
	}
	return e.Completed()
}
