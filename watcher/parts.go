package watcher

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

// lookAtParts looks at the directories that are polled by themselves, once they are due. It plans the next look.
func (r *watch) lookAtParts(ctx context.Context) {
	w := r.w
	if r.tree == nil || len(r.tree.polled) == 0 {
		r.partsDue = time.Time{}
		return
	}
	if r.partsDue.IsZero() {
		r.partsDue = w.now().Add(w.rules.Poll)
		return
	}
	started := w.now()
	if started.Before(r.partsDue) {
		return
	}
	if w.pollParts(ctx, r.tree) {
		r.agenda.ask(w.now())
	}
	took := w.now().Sub(started)
	r.partsDue = w.now().Add(max(w.rules.Poll, time.Duration(w.tempo.askShare)*took))
}

// pollParts compares the polled directories with their samples: files that are new or have changed begin to settle. It
// tries again to watch what could not be watched. It reports whether something is gone that only a scan can tell.
func (w *Watcher) pollParts(ctx context.Context, t *watchTree) (scan bool) {
	way, err := w.descend()
	if err != nil {
		return true
	}
	defer way.close()
	l := w.looking(ctx, t)
	room := listing{spares: spares{step: w.progress.step}}
	full := false // trying for one is enough, as long as there is no room
	for _, p := range slices.Sorted(maps.Keys(t.polled)) {
		s := t.polled[p]
		if ctx.Err() != nil || s == nil {
			continue
		}
		w.progress.step()
		d, err := way.to(p)
		var st stat
		if err == nil {
			st, err = d.stat()
		}
		if err != nil { // a scan tells what became of it
			t.unpoll(p)
			l.scan = true
			continue
		}
		if s.err != nil && !full {
			if !t.watch(p, st) {
				w.dirty.add(p.In(w.rules.Root), 0) // it was moved just now
			}
			full = s.err != nil
		}
		l.compare(d, p, s, &room)
	}
	return l.scan
}

// compare looks at what has changed in the polled directory d since its sample was taken, and takes another.
func (l *looking) compare(d *dir, p file.Path, s *sample, room *listing) {
	ents, err := d.list(room)
	if err != nil {
		l.scan = true // it says why
		return
	}
	marks, kept := make([]mark, 0, len(ents)), 0
	hidden := l.w.match.hides(p)
	for _, ent := range ents {
		at := p.Join(ent.name)
		if !hidden && l.leftOut(at, ent.kind) {
			continue
		}
		st := stat{}
		if ent.kind == File {
			if st, err = d.lstat(ent.name); err != nil || st.kind() != File {
				continue // gone, or another thing: missing among the marks it makes for a scan
			}
		}
		m := markOf(ent.name, ent.kind, st.Fingerprint)
		marks = append(marks, m)
		same, named := s.known(m)
		if named {
			kept++
		}
		if !same && len(l.w.links.names(at)) > 0 {
			l.w.dirty.add(at.In(l.w.rules.Root), fsnotify.Create) // it is looked at by those names, too
		}
		switch {
		case same, hidden:
		case ent.kind == File:
			l.observe(at, st, d)
		case ent.kind == Dir:
			if st, err = d.lstat(ent.name); err == nil && st.kind() == Dir {
				l.directory(d, at, st, fsnotify.Create)
			}
		}
	}
	room.giveBack(ents)
	if kept < len(s.marks) {
		l.scan = true
	}
	s.take(marks)
}

// leftOut tells whether what a polled directory holds is excluded.
func (l *looking) leftOut(p file.Path, kind Kind) bool {
	if kind == Dir {
		_, excluded := l.w.match.excluded(p)
		return excluded
	}
	_, excluded := l.w.match.fileItself(p)
	return excluded
}

// partsReason says which parts of a folder are polled, and why.
func (r *watch) partsReason() string {
	w, t := r.w, r.tree
	if t == nil || len(t.polled) == 0 {
		return ""
	}
	if t.missed > 0 {
		return limitReason(w.rules.Root, t.missed, t.missedErr, w.rules.Poll)
	}
	first := slices.Min(slices.Collect(maps.Keys(t.polled)))
	return fmt.Sprintf("%s is on a %s file system, which tells nothing of changes made elsewhere: it is scanned every %g s.",
		first.In(w.rules.Root), t.polled[first].on, w.rules.Poll.Seconds())
}
