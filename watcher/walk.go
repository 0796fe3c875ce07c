package watcher

import (
	"context"
	"errors"
	"io/fs"
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
	// directory's stat is its own, taken from d.
	enter func(p file.Path, d *dir, st stat)
	// yield takes what is found and returns false to stop. The directory and name are for a closer look, and valid
	// during the call.
	yield func(e Entry, d *dir, name string) bool

	room listing
}

// branch is a directory that is open and listed.
type branch struct {
	name string
	path file.Path
	dir  *dir
	ents []dirent
}

// tree walks all that lies in d, which is at p and stays open. It returns false if it was stopped.
func (w *walk) tree(d *dir, p file.Path, st stat) bool {
	b, err := w.open(d, p, st)
	if err != nil {
		return w.yield(Entry{Path: p, Kind: Dir, Fingerprint: st.Fingerprint, Seen: w.now(), Err: err}, d, "")
	}
	return w.inside(b)
}

func (w *walk) open(d *dir, p file.Path, st stat) (branch, error) {
	if w.enter != nil {
		w.enter(p, d, st)
	}
	ents, err := d.list(&w.room)
	if err != nil {
		return branch{}, err
	}
	slices.SortFunc(ents, func(a, b dirent) int { return strings.Compare(a.name, b.name) })
	return branch{path: p, dir: d, ents: ents}, nil
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
		p := b.path.Join(ent.name)
		if ent.kind != Dir {
			if _, excluded := w.match.fileItself(p); !excluded && !w.leaf(b.dir, p, ent) {
				return false
			}
			continue
		}
		if _, excluded := w.match.excluded(p); excluded {
			continue
		}
		child, ok := w.directory(b.dir, p, ent.name)
		if child.dir != nil {
			aside = append(aside, child)
		}
		if !ok {
			return false
		}
	}
	return turn("")
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
	e := Entry{Path: p, Kind: ent.kind, Seen: w.now()}
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

// directory opens and lists the directory name in d and yields it. The directory is returned even if it was told to stop.
func (w *walk) directory(d *dir, p file.Path, name string) (child branch, on bool) {
	e := Entry{Path: p, Kind: Dir, Seen: w.now(), Ready: true}
	sub, err := d.enter(name)
	var st stat
	if err == nil {
		st, err = sub.stat()
	}
	if err == nil {
		e.Fingerprint = st.Fingerprint
		child, err = w.open(sub, p, st)
		child.name = name
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
