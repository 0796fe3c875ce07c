package syncer

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"syscall"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// census follows a scan of a mirror on its way to the planner, and notes what else it shows: how many files there are,
// which directories hold none, and what of ours is missing. A folder's size does not matter to it: it holds the
// directories in which it has seen no file yet, and those that are gone.
type census struct {
	id     string // of the scan
	folder *Folder
	ground *ground // when the scan began
	note   func([]state.Absent) error

	files    int
	replaced Replaced
	missed   int                               // files of ours that are gone
	left     int                               // files that are gone, and stay at destinations where they were found
	empty    map[file.Path]struct{}            // directories without a file so far
	gone     map[file.Path]map[string]struct{} // directories above missing files that are gone too, with the destinations
	absent   []state.Absent                    // not noted yet
	unknown  []file.Path                       // places whose file systems are not mounted
	faulty   bool                              // a place could not be read
	mistaken bool                              // the scan cannot be trusted
	ended    bool                              // it was seen to its end
}

// noteBatch is how many missing files are noted in one transaction.
const noteBatch = 256

func newCensus(id string, f *Folder, g *ground, note func([]state.Absent) error) *census {
	return &census{
		id: id, folder: f, ground: g, note: note, empty: map[file.Path]struct{}{}, gone: map[file.Path]map[string]struct{}{},
	}
}

// complete tells whether the scan has seen everything.
func (c *census) complete() bool { return c.ended && !c.mistaken && !c.faulty }

// follow passes entries on. A nil census follows nothing.
func (c *census) follow(entries iter.Seq[watcher.Entry]) iter.Seq[watcher.Entry] {
	if c == nil {
		return entries
	}
	return func(yield func(watcher.Entry) bool) {
		for e := range entries {
			switch {
			case e.Path == "":
				c.mistaken = true
			case errors.Is(e.Err, watcher.ErrUnmounted): // nothing else depends on it
				c.unknown = append(c.unknown, e.Path)
				c.fill(e.Path)
			case e.Err != nil:
				c.faulty = true
				c.fill(e.Path)
			case e.Kind == watcher.File:
				c.files++
				c.fill(e.Path)
			case e.Kind == watcher.Dir:
				c.empty[e.Path] = struct{}{}
			}
			if !yield(e) {
				return
			}
		}
		c.ended = true
	}
}

// fill takes note that the directories above p are not empty. Once one is known not to be, those above it are too.
func (c *census) fill(p file.Path) {
	for dir := p.Dir(); dir != ""; dir = dir.Dir() {
		if _, ok := c.empty[dir]; !ok {
			return
		}
		delete(c.empty, dir)
	}
}

// passed takes a record for which the scan has shown no file. Whether that means anything shows at the scan's end.
func (c *census) passed(r state.Record) error {
	if c == nil || !c.folder.Deletes {
		return nil
	}
	k := c.ours(r)
	if k == nil {
		if c.leaves(r) {
			c.left++
		}
		return nil
	}
	if !c.ground.fileHasLeft(r.Path, k.Fingerprint.Dev) {
		c.replaced.look(c.folder, r.Path)
		return nil
	}
	for dir := r.Path.Dir(); dir != "" && c.goneDir(dir, r); dir = dir.Dir() {
	}
	c.missed++
	c.absent = append(c.absent, state.Absent{Path: r.Path})
	if len(c.absent) < noteBatch {
		return nil
	}
	return c.flush()
}

// leaves tells whether a record without a file of ours is of one that was found at one of the folder's destinations, and is gone here.
func (c *census) leaves(r state.Record) bool {
	for i := range r.Known {
		if _, ok := c.folder.route(r.Known[i].Destination); ok {
			return c.ground.fileHasLeft(r.Path, r.Known[i].Fingerprint.Dev)
		}
	}
	return false
}

// ours returns a known file of the record that is ours to remove at one of the folder's destinations, if there is one.
func (c *census) ours(r state.Record) *state.Known {
	for i := range r.Known {
		if _, ok := c.folder.route(r.Known[i].Destination); ok && r.Known[i].Owned {
			return &r.Known[i]
		}
	}
	return nil
}

// goneDir notes a directory above a missing file of ours, if it is gone too.
func (c *census) goneDir(dir file.Path, r state.Record) bool {
	at, known := c.gone[dir]
	if !known {
		if !c.ground.lacksDir(dir) {
			return false
		}
		at = map[string]struct{}{}
		c.gone[dir] = at
	}
	for i := range r.Known {
		if r.Known[i].Owned {
			at[r.Known[i].Destination] = struct{}{}
		}
	}
	return true
}

func (c *census) flush() error {
	absent := c.absent
	c.absent = nil
	return c.note(absent)
}

// isNotThere tells whether there is nothing at a name: an element above it may be a file.
func isNotThere(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// isGoneDir tells whether there is no directory at a name.
func isGoneDir(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular() || err != nil && isNotThere(err)
}

// drain sees a scan to its end for which nothing is planned.
func drain(ctx context.Context, entries iter.Seq[watcher.Entry]) error {
	for range entries {
		if ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}
