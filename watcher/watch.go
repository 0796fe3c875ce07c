package watcher

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

// watchTree is the set of watched directories of a folder, one watch each, because fsnotify offers no recursion.
//
// It keeps a tree of its own beside fsnotify's list for two reasons. When a directory is renamed or removed, fsnotify goes
// on reporting what lies below it under the old path, so the whole subtree's watches must go. And a directory has one
// watch in the kernel whatever its path: adding the new path of a renamed one silently keeps the old.
type watchTree struct {
	root    string
	fsn     *fsnotify.Watcher
	reading sync.WaitGroup

	top   *watched
	byID  map[fileID]*watched
	count int
	round uint // of visits; see begin

	missed    int   // directories that could not be watched since begin
	missedErr error // why, for the first of them
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

// newWatchTree starts to watch: events go to hints as they come, by a goroutine that close ends. Nothing is watched yet.
func newWatchTree(root string, hints *dirty) (*watchTree, error) {
	fsn, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	t := &watchTree{root: root, fsn: fsn, byID: map[fileID]*watched{}, top: &watched{}}
	t.reading.Go(func() { read(fsn, hints) })
	return t, nil
}

// read moves events into the dirty set and does nothing else: the kernel's queue is short.
func read(fsn *fsnotify.Watcher, hints *dirty) {
	for {
		select {
		case event, ok := <-fsn.Events:
			if !ok {
				return
			}
			hints.add(event.Name, event.Op)
		case err, ok := <-fsn.Errors:
			if !ok {
				return
			}
			hints.fail(err)
		}
	}
}

func (t *watchTree) close() error {
	err := t.fsn.Close()
	t.reading.Wait()
	return err
}

// begin starts a visit of the whole folder, and end drops the watches of what it did not come to.
func (t *watchTree) begin() {
	t.round++
	t.missed, t.missedErr = 0, nil
}

func (t *watchTree) end() { t.sweep(t.top) }

func (t *watchTree) sweep(n *watched) {
	for _, kid := range n.kids {
		if kid.active && kid.round != t.round {
			t.remove(kid)
			continue
		}
		t.sweep(kid)
	}
}

// watch watches the directory at p, which st describes. It is safe to call for one that is watched already, and mends a
// watch that was lost. It reports whether the path still meant that directory when the watch was set.
func (t *watchTree) watch(p file.Path, st stat) (same bool) {
	id := st.id()
	if n := t.find(p); n != nil && n.active && n.id != id {
		t.remove(n) // another directory had this path
	}
	if n := t.byID[id]; n != nil && n.path != p {
		t.remove(n) // this directory had another path
	}
	name := p.In(t.root)
	if err := t.fsn.Add(name); err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			t.missed++
			if t.missedErr == nil {
				t.missedErr = fmt.Errorf("watch %s: %w", name, err)
			}
		}
		return true
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
		// The watch is gone already if the directory is, or was renamed.
		_ = t.fsn.Remove(n.path.In(t.root))
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
