package syncer

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// By says by what the files of a folder are ordered.
type By string

// What goes first.
const (
	ByName By = "name"  // the first by its path, byte by byte
	ByTime By = "mtime" // the oldest
	BySize By = "size"  // the smallest
)

// Order says how the files of a folder take turns at a destination. The zero Order lets each go as soon as there is room,
// as they were found: by their names.
type Order struct {
	By By
	// Sequential sends one file at a time to each destination. What is first in the order and cannot be sent stops the rest.
	Sequential bool
	// Last are patterns of files that wait for all others in and below their directory.
	Last watcher.Globs
}

// free tells whether nothing but the order of planning decides.
func (o *Order) free() bool { return !o.Sequential && !o.byPlace() && o.Last.Len() == 0 }

func (o *Order) byPlace() bool { return o.By == ByTime || o.By == BySize }

// ordered is what the store has to know of it.
func (o *Order) ordered() state.Ordered {
	n := state.Ordered{Others: state.Free, Last: o.Last.Len()}
	switch {
	case o.Sequential:
		n.Others = state.InLine
	case o.byPlace():
		n.Others = state.Placed
	}
	return n
}

// Rules is a text that is the same for two orders by which all turns are the same: see state.Store.Arrange.
func (o *Order) Rules() string {
	if o.free() {
		return ""
	}
	words := []string{string(cmp.Or(o.By, ByName)), strconv.FormatBool(o.Sequential)}
	return strings.Join(append(words, o.Last.Texts()...), "\x00")
}

// Turn returns the turn of a file.
func (o *Order) Turn(p file.Path, f file.Fingerprint) state.Turn {
	t := state.Turn{Kind: o.ordered().Others, Place: o.place(f), Dirs: o.Last.Len() > 0}
	if n, last := o.Last.First(p); last {
		t.Kind = state.Last + n
	}
	return t
}

func (o *Order) place(f file.Fingerprint) int64 {
	switch o.By {
	case ByTime:
		return f.ModTime
	case BySize:
		return f.Size
	}
	return 0
}

// seat is where a file stands among those of its route.
type seat struct {
	path  file.Path
	kind  int // of its turn
	place int64
}

func (o *Order) seat(p file.Path, f file.Fingerprint) seat {
	t := o.Turn(p, f)
	return seat{p, t.Kind, t.Place}
}

func (o *Order) seatOf(in *state.Intent) seat { return o.seat(in.Path, in.Fingerprint) }

func (s seat) last() bool { return s.kind >= state.Last }

// before tells whether s is ahead of another one in the folder's order.
func (s seat) before(other seat) bool {
	return cmp.Or(cmp.Compare(s.place, other.place), cmp.Compare(s.path, other.path)) < 0
}

// waitsFor tells whether a file that goes last waits for another one. The store has the same rule for what is open, so that
// no two ever wait for each other: all that is in or below its directory and does not go last; of what does, that in
// deeper directories, and in the same one what an earlier pattern names.
func (s seat) waitsFor(other seat) bool {
	dir := s.path.Dir()
	switch {
	case !s.last() || !other.path.Under(dir) || other.path == s.path:
		return false
	case !other.last() || other.path.Dir() != dir:
		return true
	}
	return other.kind < s.kind
}
