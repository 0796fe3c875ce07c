package watcher

import (
	"context"
	"maps"
	"slices"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

// look looks at all names that hints speak of, which are paths of the operating system. Files that may have changed begin
// to settle, new directories are watched and looked through. It reports whether something is gone or new that only a scan
// can tell, and whether the root itself may be another.
func (w *Watcher) look(ctx context.Context, names map[string]fsnotify.Op, t *watchTree) (scan, root bool) {
	hints := make(map[file.Path]fsnotify.Op, len(names))
	for name, op := range names {
		if p, ok := file.Rel(w.rules.Root, name); ok {
			hints[p] |= op
		}
	}
	if op, ok := hints[""]; ok {
		delete(hints, "")
		root = op&(fsnotify.Remove|fsnotify.Rename) != 0 || op == 0
	}
	if len(hints) == 0 {
		return false, root
	}
	way, err := descend(w.rules.Root)
	if err != nil {
		return true, true
	}
	defer way.close()
	l := &looking{w: w, ctx: ctx, tree: t}
	for _, p := range slices.Sorted(maps.Keys(hints)) {
		if ctx.Err() != nil {
			break
		}
		l.at(way, p, hints[p])
	}
	return l.scan, root
}

// looking is one batch of hints under way.
type looking struct {
	w    *Watcher
	ctx  context.Context
	tree *watchTree
	scan bool // something only a scan can tell
}

// at looks at p, of which an event has said op.
func (l *looking) at(way *descent, p file.Path, op fsnotify.Op) {
	if _, excluded := l.w.match.dir(p); excluded {
		return // whatever it is
	}
	d, name, err := way.parent(p)
	var st stat
	if err == nil {
		st, err = d.lstat(name)
	}
	switch {
	case err != nil && isGone(err):
		l.forget(p)
	case err != nil:
		l.scan = true // which says what cannot be read
	case st.kind() == Dir:
		l.directory(d, p, st, op)
	default:
		if l.tree != nil {
			l.tree.drop(p) // it may have been a directory
		}
		if _, excluded := l.w.match.fileItself(p); excluded {
			return
		}
		if st.kind() == Other {
			l.forget(p)
			return
		}
		l.observe(p, st, d)
	}
}

// forget takes note that there is no file or directory at p. A scan must tell, since events never do.
func (l *looking) forget(p file.Path) {
	if _, excluded := l.w.match.fileItself(p); excluded && (l.tree == nil || l.tree.find(p) == nil) {
		return // nobody was told of it
	}
	l.w.settling.drop(p)
	if l.tree != nil {
		l.tree.drop(p)
	}
	l.scan = true
}

func (l *looking) observe(p file.Path, st stat, d *dir) {
	w := l.w
	w.settling.observe(p, st.Fingerprint, w.now(), w.quiet(w.fileSystemOf(d, st.Fingerprint), writersNone))
}

// directory looks through a directory that is new here: one without a watch, or one that was away in between.
func (l *looking) directory(d *dir, p file.Path, st stat, op fsnotify.Op) {
	moved := op&(fsnotify.Remove|fsnotify.Rename) != 0
	if l.tree != nil {
		if !moved && l.tree.watches(p, st.id()) {
			return
		}
		l.tree.drop(p)
	}
	l.scan = true
	sub, err := d.enter(p.Base())
	if err != nil {
		return // the scan says why
	}
	defer sub.close()
	if st, err = sub.stat(); err != nil {
		return
	}
	walk := &walk{ctx: l.ctx, match: l.w.match, now: l.w.now, yield: func(e Entry, in *dir, _ string) bool {
		if e.Err == nil && e.Kind == File {
			l.observe(e.Path, stat{Fingerprint: e.Fingerprint}, in)
		}
		return true
	}}
	if l.tree != nil {
		walk.enter = func(p file.Path, _ *dir, st stat) {
			if !l.tree.watch(p, st) {
				l.w.dirty.add(p.In(l.w.rules.Root), 0) // it was moved just now
			}
		}
	}
	walk.tree(sub, p, st)
}
