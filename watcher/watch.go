package watcher

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// watchTree is the set of watched directories of a folder. Where the system covers a whole tree by one watch, it has nothing
// to keep.
//
// It keeps a tree of its own beside the system's list for two reasons. When a directory is renamed or removed, fsnotify goes
// on reporting what lies below it under the old path, so the whole subtree's watches must go. And a directory has one
// watch in the kernel whatever its path: adding the new path of a renamed one silently keeps the old.
type watchTree struct {
	root   string
	notify notifier

	top   *watched
	byID  map[fileID]*watched
	count int
	round uint // of visits; see begin

	polled    map[file.Path]*sample // directories of which hints do not tell enough
	missed    int                   // of polled, those that could not be watched
	missedErr error                 // why, for one of them
}

// fileID tells directories apart whatever they are called. A zero inode means that the system does not tell.
type fileID struct{ dev, inode uint64 }

func (s stat) id() fileID { return fileID{s.Dev, s.Inode} }

// watched is one directory of the tree; those on the way to a watched one may have no watch themselves.
type watched struct {
	parent *watched
	name   string
	path   file.Path
	kids   map[string]*watched
	id     fileID
	active bool
	round  uint
}

// newWatchTree returns a tree for the folder at root that tells notify what to watch.
func newWatchTree(root string, notify notifier) *watchTree {
	t := &watchTree{
		root: root, notify: notify, byID: map[fileID]*watched{}, top: &watched{}, polled: map[file.Path]*sample{},
	}
	if notify.recursive() {
		t.count = 1
	}
	return t
}

func (t *watchTree) close() error { return t.notify.close() }

// begin starts a visit of the whole folder, and end drops what it did not come to, but for what could not be read.
func (t *watchTree) begin() {
	t.round++
	for _, s := range t.polled {
		s.next = nil
	}
}

func (t *watchTree) end(u *unread) {
	t.sweep(t.top, u)
	for p, s := range t.polled {
		if u.hold(p) {
			continue
		}
		if s.round != t.round {
			t.unpoll(p)
			continue
		}
		s.take(s.next)
		s.next = nil
	}
}

func (t *watchTree) sweep(n *watched, u *unread) {
	for _, kid := range n.kids {
		if u.hold(kid.path) {
			continue
		}
		if kid.active && kid.round != t.round {
			t.remove(kid)
			continue
		}
		t.sweep(kid, u)
	}
}

// watch watches the directory at p, which st describes. It is safe to call for one that is watched already, and mends a
// watch that was lost. It reports whether the path still meant that directory when the watch was set.
func (t *watchTree) watch(p file.Path, st stat) (same bool) {
	if t.notify.recursive() {
		return true
	}
	id := st.id()
	if n := t.find(p); n != nil && n.active && n.id != id {
		t.remove(n) // another directory had this path
	}
	if n := t.byID[id]; n != nil && n.path != p {
		t.remove(n) // this directory had another path
	}
	name := p.In(t.root)
	if err := t.notify.add(name); err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			t.poll(p, localFS, fmt.Errorf("watch %s: %w", name, err))
		}
		return true
	}
	if s := t.polled[p]; s != nil && s.err != nil {
		t.unpoll(p)
	}
	n := t.make(p)
	if !n.active {
		n.active = true
		t.count++
	}
	n.id, n.round = id, t.round
	if id.inode == 0 {
		return true
	}
	t.byID[id] = n
	if p == "" {
		return true // may be a link; the root's identity is looked after elsewhere
	}
	print, mode, err := file.Lstat(name)
	return err != nil || !mode.IsDir() || print.Inode == 0 || fileID{print.Dev, print.Inode} == id
}

// drop ends the watches of p and of all below it.
func (t *watchTree) drop(p file.Path) {
	if n := t.find(p); n != nil {
		t.remove(n)
	}
	t.unpoll(p) // those below are found to be gone when they are looked at
}

// watches tells whether p is watched as the directory with that id.
func (t *watchTree) watches(p file.Path, id fileID) bool {
	n := t.find(p)
	return n != nil && n.active && n.id == id
}

func (t *watchTree) remove(n *watched) {
	for _, kid := range n.kids {
		t.remove(kid)
	}
	if n.active {
		t.notify.remove(n.path.In(t.root))
		n.active = false
		t.count--
		if t.byID[n.id] == n {
			delete(t.byID, n.id)
		}
	}
	if n.parent != nil {
		delete(n.parent.kids, n.name)
	}
}

func (t *watchTree) find(p file.Path) *watched {
	n := t.top
	for rest := string(p); rest != "" && n != nil; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		n = n.kids[name]
	}
	return n
}

func (t *watchTree) make(p file.Path) *watched {
	if p == "" {
		return t.top
	}
	parent := t.make(p.Dir())
	name := p.Base()
	n := parent.kids[name]
	if n == nil {
		n = &watched{parent: parent, name: name, path: p}
		if parent.kids == nil {
			parent.kids = map[string]*watched{}
		}
		parent.kids[name] = n
	}
	return n
}
