package watcher

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// walk descends a tree in byte-wise order of paths. It holds the names of one directory a level and nothing else.
//
// In that order a directory's content does not follow the directory at once: "a", "a-b", "a/x", because "-" sorts before
// "/". So a directory whose content comes later is kept aside, open and listed, until its turn. Those kept aside at one
// level are each a prefix of the next: there are rarely more than one or two.
type walk struct {
	ctx   context.Context
	match *matcher
	now   func() time.Time
	// enter is called with each directory before it is listed: what is created later is seen by a watch set here. A
	// directory's stat is its own, taken from its handle.
	enter func(b branch, st stat)
	// yield takes what is found and returns false to stop. The directory and name are for a closer look, and valid
	// during the call.
	yield func(e Entry, d *dir, name string) bool

	links  *descent                     // resolves links; nil: none is followed
	linked func(link, target file.Path) // is called with each link that was followed; may be nil
	lost   lostMounts                   // places that are unknown
	room   listing

	at      time.Time // the clock, as it was read last
	sampled int       // entries since
}

// seen returns when an entry is looked at, at the latest. The clock is not read for each, since an earlier time only makes
// a file look younger.
func (w *walk) seen() time.Time {
	if w.sampled%seenEvery == 0 {
		w.at = w.now()
	}
	w.sampled++
	return w.at
}

// seenEvery is how many entries share one reading of the clock.
const seenEvery = 64

// branch is a directory that is open and listed.
type branch struct {
	name string
	path file.Path
	real file.Path   // without links; the same as path but behind a link
	from []file.Path // the directories, without links, that hold the links in path
	dir  *dir
	ents []dirent
}

// tree walks all that lies in at, which is open, not yet listed, and stays open. It returns false if it was stopped.
func (w *walk) tree(at branch, st stat) bool {
	b, err := w.open(at, st)
	if err != nil {
		return w.yield(Entry{Path: at.path, Kind: Dir, Fingerprint: st.Fingerprint, Seen: w.now(), Err: err}, at.dir, "")
	}
	return w.inside(b)
}

// open lists the directory of b. What lies behind a link is watched under its own name: the kernel has one watch for a directory. So it is
// entered only where the walk does not come to it by that name.
func (w *walk) open(b branch, st stat) (branch, error) {
	if w.enter != nil && (len(b.from) == 0 || w.match.hides(b.real)) {
		w.enter(b, st)
	}
	ents, err := b.dir.list(&w.room)
	if err != nil {
		return branch{}, err
	}
	for _, name := range w.lost[b.real] {
		if !slices.ContainsFunc(ents, func(e dirent) bool { return e.name == name }) {
			ents = append(ents, dirent{name: name, kind: Dir}) // whoever has unmounted it has removed its directory
		}
	}
	slices.SortFunc(ents, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	b.ents = ents
	return b, nil
}

func (w *walk) inside(b branch) (on bool) {
	var aside []branch
	defer func() {
		for _, a := range aside {
			a.dir.close()
		}
		w.room.giveBack(b.ents)
	}()
	// turn walks the directories kept aside whose content sorts before name.
	turn := func(name string) bool {
		for last := len(aside) - 1; last >= 0 && contentBefore(aside[last].name, name); last-- {
			a := aside[last]
			aside = aside[:last]
			on := w.inside(a)
			a.dir.close()
			if !on {
				return false
			}
		}
		return true
	}
	for i, ent := range b.ents {
		if i%256 == 0 && w.ctx.Err() != nil {
			return false
		}
		if !turn(ent.name) {
			return false
		}
		child, ok := w.entry(b, b.path.Join(ent.name), ent)
		if child.dir != nil {
			aside = append(aside, child)
		}
		if !ok {
			return false
		}
	}
	return turn("")
}

// entry yields what b holds under ent, which is at p. A directory is returned opened and listed, even if the walk was told
// to stop.
func (w *walk) entry(b branch, p file.Path, ent dirent) (child branch, on bool) {
	switch {
	case ent.kind == Dir:
		if _, excluded := w.match.excluded(p); excluded {
			return branch{}, true
		}
		if len(w.lost) > 0 && w.lost.has(b.real.Join(ent.name)) {
			return branch{}, w.unmounted(b, p, ent.name)
		}
		return w.directory(b.dir, ent.name, branch{name: ent.name, path: p, real: b.real.Join(ent.name), from: b.from}, "")
	case ent.kind == Other && w.links != nil:
		return w.link(b, p, ent)
	}
	if _, excluded := w.match.fileItself(p); excluded {
		return branch{}, true
	}
	return branch{}, w.leaf(b.dir, p, ent)
}

// unmounted yields that what name in b stands for is unknown: it lay where nothing is mounted any more.
func (w *walk) unmounted(b branch, p file.Path, name string) bool {
	err := &fs.PathError{Op: "open", Path: filepath.Join(b.dir.path, name), Err: ErrUnmounted}
	return w.yield(Entry{Path: p, Kind: Dir, Seen: w.now(), Err: err}, b.dir, name)
}

// link yields what the link ent leads to, under the link's name; whatever else it may be, as it is.
func (w *walk) link(b branch, p file.Path, ent dirent) (child branch, on bool) {
	if _, excluded := w.match.excluded(p); excluded {
		return branch{}, true
	}
	st, err := b.dir.lstat(ent.name)
	if err != nil || st.mode&fs.ModeSymlink == 0 {
		if _, excluded := w.match.fileItself(p); excluded {
			return branch{}, true
		}
		return branch{}, w.leaf(b.dir, p, ent)
	}
	if len(w.lost) > 0 && w.lost.hold(w.links.leadsTo(b.real.Join(ent.name))) {
		return branch{}, w.unmounted(b, p, ent.name)
	}
	in, name, target, st, err := w.resolve(b, ent.name)
	if err == nil && st.kind() == Dir {
		from := append(slices.Clip(b.from), b.real)
		child, on = w.directory(in, name, branch{name: ent.name, path: p, real: target, from: from}, target)
		if w.linked != nil {
			w.linked(p, target)
		}
		return child, on
	}
	if err != nil && !leadsNowhere(err) { // to a directory, perhaps
		return branch{}, w.yield(Entry{Path: p, Kind: Other, Seen: w.now(), Err: err}, b.dir, ent.name)
	}
	if _, excluded := w.match.fileItself(p); excluded {
		return branch{}, true
	}
	e := Entry{Path: p, Kind: Other, Fingerprint: st.Fingerprint, Seen: w.now()}
	switch {
	case err != nil:
		e.Reason = linkReason(err)
		return branch{}, w.yield(e, b.dir, ent.name)
	case st.kind() == Other:
		e.Reason = st.skipped()
	default:
		e.Kind = File
	}
	e.Target = target
	if w.linked != nil {
		w.linked(p, target)
	}
	return branch{}, w.yield(e, in, name)
}

// resolve finds what the link name in b leads to: in is its directory, and open until the next link is resolved.
func (w *walk) resolve(b branch, name string) (in *dir, base string, target file.Path, st stat, err error) {
	target, err = w.links.real(b.real.Join(name))
	if err == nil && leadsBack(target, b) {
		err = errLinkAbove
	}
	if err != nil {
		return nil, "", "", stat{}, err
	}
	if in, err = w.links.to(target.Dir()); err == nil {
		base = target.Base()
		st, err = in.lstat(base)
	}
	if err == nil && st.kind() == Dir && len(b.from) >= maxLinkDepth {
		err = errLinkMany
	}
	return in, base, target, st, err
}

// leadsBack tells whether target is b, or lies above it, on the way that b was reached by.
func leadsBack(target file.Path, b branch) bool {
	around := func(dir file.Path) bool { return dir == target || dir.Under(target) }
	return around(b.real) || slices.ContainsFunc(b.from, around)
}

// contentBefore tells whether the content of the directory called dir sorts before its sibling name; all does before
// the end, the empty name.
func contentBefore(dir, name string) bool {
	if rest, ok := strings.CutPrefix(name, dir); ok {
		return rest > "/" // name is longer than dir
	}
	return true // siblings come in order, so dir < name, and they differ within dir
}

// leaf yields what is not a directory.
func (w *walk) leaf(d *dir, p file.Path, ent dirent) bool {
	e := Entry{Path: p, Kind: ent.kind, Seen: w.seen()}
	st, err := d.lstat(ent.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // gone since the directory was listed
	case err != nil:
		e.Err = err
	case st.kind() == Dir:
		e.Kind, e.Err = Dir, &fs.PathError{Op: "read", Path: string(p), Err: errReplaced}
	default:
		e.Kind, e.Fingerprint = st.kind(), st.Fingerprint
		if e.Kind == Other {
			e.Reason = st.skipped()
		}
	}
	return w.yield(e, d, ent.name)
}

// errReplaced is of something that was replaced while it was looked at: the next scan finds out by what.
var errReplaced = errors.New("replaced during the scan")

// directory opens and lists the directory name in d, which is to be b, and yields it. The directory is returned even if the
// walk was told to stop.
func (w *walk) directory(d *dir, name string, b branch, target file.Path) (child branch, on bool) {
	e := Entry{Path: b.path, Kind: Dir, Seen: w.now(), Ready: true, Target: target}
	sub, err := d.enter(name)
	var st stat
	if err == nil {
		st, err = sub.stat()
	}
	if err == nil {
		e.Fingerprint = st.Fingerprint
		b.dir = sub
		child, err = w.open(b, st)
	}
	if err != nil {
		child = branch{}
		if sub != nil {
			sub.close()
		}
		if errors.Is(err, fs.ErrNotExist) {
			return branch{}, true // gone since its parent was listed
		}
		e.Err, e.Ready = err, false
	}
	return child, w.yield(e, d, name)
}
