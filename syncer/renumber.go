package syncer

import (
	"context"
	"slices"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// What is mounted in a folder may have another number after the machine was started anew, as its root may. Nothing tells
// that it is the same file system, but its files: those that are the same versions as before are put on record under the
// number that it has now, so that they can be missed there.

// renumbering gathers what a scan finds under another number.
type renumbering struct {
	store  Store
	folder string
	ground *ground
	batch  []state.Numbered
}

// look takes a file of the scan, and what is known of it.
func (n *renumbering) look(ctx context.Context, e watcher.Entry, r state.Record) error {
	known := slices.ContainsFunc(r.Known, func(k state.Known) bool { return n.differs(k.Fingerprint, e.Fingerprint) })
	if !known && !slices.ContainsFunc(r.Intents, func(i state.Intent) bool { return n.differs(i.Fingerprint, e.Fingerprint) }) {
		return nil
	}
	n.batch = append(n.batch, state.Numbered{Path: e.Path, Fingerprint: e.Fingerprint})
	if len(n.batch) < noteBatch {
		return nil
	}
	return n.flush(ctx)
}

// differs tells whether a version is on record under a number that means nothing any more. Those of the root do: see ground.
func (n *renumbering) differs(was, now file.Fingerprint) bool {
	if now.Dev == 0 || was.Dev == now.Dev || !was.Same(now) {
		return false
	}
	return now.Dev != n.ground.root.Dev || !n.ground.were[was.Dev]
}

func (n *renumbering) flush(ctx context.Context) error {
	if len(n.batch) == 0 {
		return nil
	}
	batch := n.batch
	n.batch = nil
	return n.store.Renumber(ctx, n.folder, batch)
}
