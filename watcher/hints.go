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
func (w *Watcher) look(ctx context.Context, names map[string]fsnotify.Op, t *watchTree) (scan bool, root rootHint) {
	hints := make(map[file.Path]fsnotify.Op, len(names))
	for name, op := range names {
		if p, ok := file.Rel(w.rules.Root, name); ok {
			hints[p] |= op
		}
	}
	if op, ok := hints[""]; ok {
		delete(hints, "")
		switch {
		case op&(fsnotify.Remove|fsnotify.Rename) != 0:
			root = rootLeft
		case op == 0:
			root = rootAsked
		}
	}
	for p, op := range maps.Clone(hints) {
		for _, name := range w.links.names(p) {
			hints[name] |= op
		}
	}
	if len(hints) == 0 {
		return false, root
	}
	way, err := w.descend()
	if err != nil {
		return true, max(root, rootAsked)
	}
	defer way.close()
	l := w.looking(ctx, t)
	if way.follow {
		l.links = way
	}
	for _, p := range slices.Sorted(maps.Keys(hints)) {
		if ctx.Err() != nil {
			break
		}
		l.at(way, p, hints[p])
	}
	w.settling.wake(l.markers, w.now())
	return l.scan, root
}

// rootHint is what hints say of the root itself.
type rootHint uint8

const (
	rootSame  rootHint = iota
	rootAsked          // somebody wants it looked at
	rootLeft           // it was moved or removed: whatever has its name now, the watches are gone
)

// looking is one batch of hints under way.
type looking struct {
	w    *Watcher
	ctx  context.Context
	tree *watchTree
	been visited
	scan bool // something only a scan can tell

	links   *descent           // where links are followed
	markers map[file.Path]bool // that hints have told of
}

// looking is a batch that begins.
func (w *Watcher) looking(ctx context.Context, t *watchTree) *looking {
	return &looking{w: w, ctx: ctx, tree: t, been: beginsAt(w.home.dev)}
}

// at looks at p, of which an event has said op.
func (l *looking) at(way *descent, p file.Path, op fsnotify.Op) {
	if _, excluded := l.w.match.dir(p); excluded {
		return // whatever it is
	}
	if l.w.marker.is(p.Base()) {
		l.marker(p)
		if l.w.staysMarker(p) {
			return
		}
	}
	l.w.progress.step()
	d, name, real, err := way.find(p)
	var st stat
	if err == nil {
		st, err = d.lstat(name)
	}
	switch {
	case err != nil && isGone(err), err == nil && mayHaveGone(op) && l.w.isAnother(p):
		l.w.trust.tell(p)
		l.forget(p)
	case err != nil:
		l.scan = true // which says what cannot be read
	case st.kind() == Dir && real != p:
		l.w.trust.tell(p)
		l.w.links.add(p, real)
		l.through(d, name, branch{path: p, real: real, from: []file.Path{real.Dir()}})
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
		if real != p {
			l.w.links.add(p, real)
		}
		l.observe(p, st, d)
	}
}

// mayHaveGone tells whether a name may be found although it has gone: as another one that the file system takes for it.
func mayHaveGone(op fsnotify.Op) bool { return op == 0 || op&(fsnotify.Remove|fsnotify.Rename) != 0 }

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

// observe lets a file settle.
func (l *looking) observe(p file.Path, st stat, d *dir) {
	w := l.w
	w.visit(l.ctx, l.been, st.Dev)
	w.trust.tell(p)
	if w.marker.is(p.Base()) {
		l.marker(p)
		if w.staysMarker(p) {
			return
		}
	}
	w.observe(p, st.Fingerprint, w.now(), w.fileSystemOf(d, st.Fingerprint))
}

// marker takes note of a marker, whatever became of it.
func (l *looking) marker(p file.Path) {
	l.w.trust.tell(p)
	if l.markers == nil {
		l.markers = map[file.Path]bool{}
	}
	l.markers[p] = true
}

// directory looks through a directory that is new here: one without a watch, or one that was away in between.
func (l *looking) directory(d *dir, p file.Path, st stat, op fsnotify.Op) {
	moved := op&(fsnotify.Remove|fsnotify.Rename) != 0
	l.w.trust.tell(p)
	switch {
	case l.tree == nil:
	case l.tree.notify.recursive():
		if op != 0 && op&(fsnotify.Create|fsnotify.Rename|fsnotify.Remove) == 0 {
			return
		}
	default:
		if !moved && l.tree.watches(p, st.id()) {
			return
		}
		l.tree.drop(p)
	}
	l.through(d, p.Base(), branch{path: p, real: p})
}

// through looks through the directory name in d, which is to be b.
func (l *looking) through(d *dir, name string, b branch) {
	l.scan = true
	sub, err := d.enter(name)
	if err != nil {
		return // the scan says why
	}
	defer sub.close()
	st, err := sub.stat()
	if err != nil {
		return
	}
	walk := l.w.walk(l.ctx, l.tree, func(e Entry, in *dir, _ string) bool {
		l.w.progress.step()
		switch {
		case e.Err != nil:
		case e.Kind == File:
			l.observe(e.Path, stat{Fingerprint: e.Fingerprint}, in)
		case e.Kind == Dir:
			l.w.trust.tell(e.Path)
		}
		return true
	})
	walk.links = l.links
	b.dir = sub
	walk.tree(b, st)
}
