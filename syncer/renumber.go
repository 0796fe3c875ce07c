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
// number that it has now, so that they can be missed there. They stand for the others that lay beside them, which may have been
// removed before a scan has seen them.

// renumbering gathers what a scan finds under another number.
type renumbering struct {
	store   Store
	folder  string
	ground  *ground
	batch   []state.Numbered
	numbers map[renumbered]struct{}
}

// renumbered is a file system in a folder that has another number than before.
type renumbered struct {
	top      file.Path // the directory that it holds, and all below
	was, now uint64
}

// look takes a file of the scan, and what is known of it.
func (n *renumbering) look(ctx context.Context, e watcher.Entry, r state.Record) error {
	known := false
	for i := range r.Known {
		if was := r.Known[i].Fingerprint; n.differs(was, e.Fingerprint) {
			known = true
			n.noteNumber(e, was.Dev)
		}
	}
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

// noteNumber takes note of a number that a file's file system has had.
func (n *renumbering) noteNumber(e watcher.Entry, was uint64) {
	for dir := e.Path.Dir(); ; dir = dir.Dir() {
		if _, noted := n.numbers[renumbered{dir, was, e.Fingerprint.Dev}]; noted {
			return
		}
		if dir == "" {
			break
		}
	}
	if n.numbers == nil {
		n.numbers = map[renumbered]struct{}{}
	}
	n.numbers[renumbered{n.top(e), was, e.Fingerprint.Dev}] = struct{}{}
}

// top returns the topmost directory above a file that lies on the same file system.
func (n *renumbering) top(e watcher.Entry) file.Path {
	top := e.Path.Dir()
	for dir := top; ; dir = dir.Dir() {
		if now, err := ofDirectory(dir.In(n.ground.folder.Root)); err != nil || now.Dev != e.Fingerprint.Dev {
			return top
		}
		if top = dir; dir == "" {
			return top
		}
	}
}

// end puts on record what the scan has shown.
func (n *renumbering) end(ctx context.Context) error {
	if err := n.flush(ctx); err != nil {
		return err
	}
	for r := range n.numbers {
		if err := n.store.RenumberBelow(ctx, n.folder, r.top, r.was, r.now); err != nil {
			return err
		}
	}
	return nil
}

func (n *renumbering) flush(ctx context.Context) error {
	if len(n.batch) == 0 {
		return nil
	}
	batch := n.batch
	n.batch = nil
	return n.store.Renumber(ctx, n.folder, batch)
}
