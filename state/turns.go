package state

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Turn says when an intent may go, beside the others of its route. It follows from the folder's rules, which the store
// does not know: see Arrange.
type Turn struct {
	Kind  int   // Free, Placed, InLine, or Last and above
	Place int64 // among those of its kind, but for Free ones; those with the same place go by their paths
	Dirs  bool  // the folder has files that go last, so that it counts in which directory this one lies
}

// Kinds of turns.
const (
	Free   = iota // as soon as there is room, in the order of planning: see Due
	Placed        // as soon as there is room, in the order of places: see DuePlaced
	InLine        // when it is the first of its route
	Last          // and above, a number for each pattern: when nothing is open any more that it waits for
)

// place and dir are what the columns hold: NULL keeps the intent out of an index.
func (t *Turn) place() any {
	if t.Kind == Free {
		return nil
	}
	return t.Place
}

func (t *Turn) dir(p file.Path) any {
	if !t.Dirs {
		return nil
	}
	return p.Dir()
}

// Line is what of a route's open intents decides whose turn it is.
type Line struct {
	Stopped    bool    // a pause or a halt covers the route
	Committing *Intent // one that may be published already; nil: none is
	First      *Intent // of those in line, whatever has become of it; nil: there is none

	place int64 // of First
}

// Group is the open intents of one route that go last for one pattern, in one directory. They wait for the same.
type Group struct {
	Kind  int
	Dir   file.Path
	First *Intent // in the folder's order, whatever has become of it
	Ahead *Intent // one that they wait for; nil: there is none
}

// Ordered says how a folder's intents were arranged.
type Ordered struct {
	Others int // kind of those that do not go last
	Last   int // how many patterns there are of those that do
}

// Line returns the line of a route, and has look look at the groups of those that go last, until it returns false; it must
// not take long. They come by kind and directory, behind the group from. Where from is nil and the others are InLine, only
// those come that have an intent before the first in line, in that order.
func (s *Store) Line(ctx context.Context, r Route, o Ordered, from *Group, look func(*Group) bool) (Line, error) {
	var l Line
	err := s.read(ctx, "line of "+r.Folder+" at "+r.Destination, func(c *conn) (err error) {
		_, l.Stopped, err = c.one(selectStopped, r.Folder, r.Destination)
		if err != nil || l.Stopped {
			return err
		}
		if l.Committing, err = maybe(c, lineCommitting, r.Destination, r.Folder); err != nil {
			return err
		}
		if o.Others == InLine {
			if l.First, l.place, err = firstInLine(c, r); err != nil {
				return err
			}
			if from == nil {
				return l.groupsBefore(c, r, o, look)
			}
		}
		if from == nil {
			from = &Group{}
		}
		return groupsBehind(c, r, o, from, look)
	})
	return l, err
}

// Ahead returns an open intent that a group waits for; nil: there is none.
func (s *Store) Ahead(ctx context.Context, r Route, o Ordered, kind int, dir file.Path) (*Intent, error) {
	var in *Intent
	err := s.read(ctx, "what comes before "+string(dir), func(c *conn) (err error) {
		in, err = ahead(c, r, o, &Group{Kind: kind, Dir: dir})
		return err
	})
	return in, err
}

const (
	lineCommitting = selectIntent + "INDEXED BY intents_due WHERE phase = 'committing' AND destination = ? AND folder = ? ORDER BY seq LIMIT 1"

	fromPlaced = "FROM intents INDEXED BY intents_placed WHERE place IS NOT NULL AND destination = ? AND folder = ? AND turn = ?"
	ofPlaced   = "SELECT " + intentColumns + ", place " + fromPlaced
	inOrder    = " ORDER BY place, path"

	freshPlaced = ofPlaced + " AND phase = 'planned' AND next_attempt = 0" + inOrder
	againPlaced = "SELECT " + intentColumns + ", place FROM intents WHERE seq IN (SELECT seq " + fromPlaced +
		" AND phase = 'planned' AND next_attempt > 0 AND next_attempt <= ?" + inOrder + " LIMIT ?)" + inOrder
	asidePlaced = "SELECT " + intentColumns + ", place FROM intents WHERE seq IN (SELECT seq " + fromPlaced +
		" AND phase IN ('held', 'parked')" + inOrder + " LIMIT 1)"
)

// placed is an intent with its place.
type placed struct {
	place  int64
	intent Intent
}

func comparePlaced(a, b placed) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.intent.Path, b.intent.Path))
}

// placedOf returns the first intents, at most limit, that a query finds and that are not in skip.
func placedOf(c *conn, limit int, skip map[string]bool, query string, args ...any) ([]placed, error) {
	cur, err := c.query(query, args...)
	if err != nil {
		return nil, err
	}
	var found []placed
	for len(found) < limit && cur.next() {
		if !skip[cur.row.text(intentID)] {
			found = append(found, placed{cur.row.int(len(cur.row) - 1), cur.row.intent()})
		}
	}
	return found, cur.close()
}

// maybe returns the first intent that a query finds, nil where it finds none.
func maybe(c *conn, query string, args ...any) (*Intent, error) {
	r, found, err := c.one(query, args...)
	if err != nil || !found {
		return nil, err
	}
	in := r.intent()
	return &in, nil
}

// firstInLine returns the first of those in line, whatever has become of it, and its place.
func firstInLine(c *conn, r Route) (*Intent, int64, error) {
	all, err := plannedInOrder(c, r, InLine, time.Unix(0, math.MaxInt64), 1, nil)
	if err != nil {
		return nil, 0, err
	}
	aside, err := placedOf(c, 1, nil, asidePlaced, r.Destination, r.Folder, InLine)
	if err != nil {
		return nil, 0, err
	}
	all = append(all, aside...)
	if len(all) == 0 {
		return nil, 0, nil
	}
	first := slices.MinFunc(all, comparePlaced)
	return &first.intent, first.place, nil
}

// plannedInOrder returns those of a kind that are planned and due, in order. Few have failed, and those are found by
// themselves.
func plannedInOrder(c *conn, r Route, kind int, now time.Time, limit int, skip map[string]bool) ([]placed, error) {
	all, err := placedOf(c, limit, skip, freshPlaced, r.Destination, r.Folder, kind)
	if err != nil {
		return nil, err
	}
	again, err := placedOf(c, limit, skip, againPlaced, r.Destination, r.Folder, kind, now, enough(limit, len(skip)))
	if err != nil {
		return nil, err
	}
	all = append(all, again...)
	slices.SortFunc(all, comparePlaced)
	return all[:min(limit, len(all))], nil
}

// DuePlaced returns the intents of a route that are planned and Placed, whose next attempt is not after now, and which are
// not in skip, in order and at most limit of them; none where the route is stopped.
func (s *Store) DuePlaced(ctx context.Context, r Route, now time.Time, limit int, skip map[string]bool) ([]Intent, error) {
	var due []Intent
	err := s.read(ctx, "due in order at "+r.Destination, func(c *conn) error {
		due = nil
		if _, stopped, err := c.one(selectStopped, r.Folder, r.Destination); err != nil || stopped {
			return err
		}
		found, err := plannedInOrder(c, r, Placed, now, limit, skip)
		due = intentsOf(found)
		return err
	})
	return due, err
}

func intentsOf(all []placed) []Intent {
	out := make([]Intent, len(all))
	for i := range all {
		out[i] = all[i].intent
	}
	return out
}

// All that is asked of intents by their directories goes by one index, and says so: with another one, a million rows would
// be looked at.
const (
	fromLast = "INDEXED BY intents_last WHERE dir IS NOT NULL AND phase NOT IN ('delivered', 'cancelled') AND destination = ? AND folder = ? AND turn = ?"
	openOf   = selectIntent + fromLast
	dirsOf   = "SELECT dir FROM intents " + fromLast

	firstDir = dirsOf + " ORDER BY dir LIMIT 1"
	nextDir  = dirsOf + " AND dir > ? ORDER BY dir LIMIT 1"
	firstIn  = openOf + " AND dir = ?" + inOrder + " LIMIT 1"
	below    = openOf + " AND dir > ? AND dir < ? ORDER BY dir LIMIT 1"
	belowAll = openOf + " AND dir > '' ORDER BY dir LIMIT 1"
	dueIn    = "SELECT " + intentColumns + ", place FROM intents " + fromLast + " AND dir = ? AND phase = 'planned' AND next_attempt <= ?" + inOrder
	lined    = "SELECT " + intentColumns + ", place, turn FROM intents INDEXED BY intents_lined WHERE turn >= 3 " +
		"AND phase NOT IN ('delivered', 'cancelled') AND destination = ? AND folder = ?" + inOrder
	countOf = "SELECT count(*) FROM intents " + fromLast
)

// groupsBehind has look look at the groups that come behind one, by kind and directory.
func groupsBehind(c *conn, r Route, o Ordered, from *Group, look func(*Group) bool) error {
	for kind := max(from.Kind, Last); kind < Last+o.Last; kind++ {
		query, args := firstDir, []any{r.Destination, r.Folder, kind}
		if kind == from.Kind {
			query, args = nextDir, append(args, from.Dir)
		}
		row, found, err := c.one(query, args...)
		for found && err == nil {
			g := &Group{Kind: kind, Dir: row.path(0)}
			if g.First, err = maybe(c, firstIn, r.Destination, r.Folder, kind, g.Dir); err == nil {
				g.Ahead, err = ahead(c, r, o, g)
			}
			if err != nil || !look(g) {
				return err
			}
			row, found, err = c.one(nextDir, r.Destination, r.Folder, kind, g.Dir)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groupsBefore has look look at the groups that have an intent before the first in line, in the folder's order.
func (l *Line) groupsBefore(c *conn, r Route, o Ordered, look func(*Group) bool) error {
	cur, err := c.query(lined, r.Destination, r.Folder)
	if err != nil {
		return err
	}
	seen := map[Group]bool{}
	for more := true; err == nil && more && cur.next(); {
		in, n := cur.row.intent(), len(cur.row)
		if l.First != nil && comparePlaced(placed{cur.row.int(n - 2), in}, placed{l.place, *l.First}) > 0 {
			break
		}
		g := Group{Kind: int(cur.row.int(n - 1)), Dir: in.Path.Dir()}
		if seen[g] {
			continue
		}
		seen[g] = true
		g.First = &in
		if g.Ahead, err = ahead(c, r, o, &g); err == nil {
			more = look(&g)
		}
	}
	return errors.Join(err, cur.close())
}

// ahead returns an open intent that a group waits for: any in or below its directory that does not go last; of those that
// do, the ones in deeper directories, and in the same one those of earlier patterns. So no two ever wait for each other.
func ahead(c *conn, r Route, o Ordered, g *Group) (*Intent, error) {
	in, err := openBelow(c, r, o.Others, g.Dir)
	if err != nil || in != nil {
		return in, err
	}
	if in, err = maybe(c, firstIn, r.Destination, r.Folder, o.Others, g.Dir); err != nil || in != nil {
		return in, err
	}
	for kind := Last; kind < Last+o.Last; kind++ {
		if in, err = openBelow(c, r, kind, g.Dir); err != nil || in != nil {
			return in, err
		}
		if kind >= g.Kind {
			continue
		}
		if in, err = maybe(c, firstIn, r.Destination, r.Folder, kind, g.Dir); err != nil || in != nil {
			return in, err
		}
	}
	return nil, nil
}

// openBelow returns an open intent of a kind in a directory below dir.
func openBelow(c *conn, r Route, kind int, dir file.Path) (*Intent, error) {
	if dir == "" {
		return maybe(c, belowAll, r.Destination, r.Folder, kind)
	}
	return maybe(c, below, r.Destination, r.Folder, kind, dir+"/", dir+"0") // "0" comes after "/"
}

// DueLast returns those of a group that are planned, whose next attempt is not after now, and which are not in skip, in the
// folder's order and at most limit of them.
func (s *Store) DueLast(ctx context.Context, r Route, g Group, now time.Time, limit int, skip map[string]bool) ([]Intent, error) {
	var due []Intent
	err := s.read(ctx, "due last at "+r.Destination, func(c *conn) error {
		found, err := placedOf(c, limit, skip, dueIn, r.Destination, r.Folder, g.Kind, g.Dir, now)
		due = intentsOf(found)
		return err
	})
	return due, err
}

// CountLast returns how many open intents of a route go last.
func (s *Store) CountLast(ctx context.Context, r Route, o Ordered) (n int, err error) {
	err = s.read(ctx, "count of what goes last", func(c *conn) error {
		n = 0
		for kind := Last; kind < Last+o.Last; kind++ {
			row, _, err := c.one(countOf, r.Destination, r.Folder, kind)
			if err != nil {
				return err
			}
			n += int(row.int(0))
		}
		return nil
	})
	return n, err
}

// arrangeBatch is how many intents are read before they are changed.
const arrangeBatch = 1000

// FolderOrder is how the files of a folder take turns.
type FolderOrder struct {
	Folder string
	Rules  string // what Turn goes by; "" are those by which every intent is Free
	Turn   func(file.Path, file.Fingerprint) Turn
}

// arrange gives all intents of a folder their turns anew, if they were given by other rules.
func arrange(c *conn, o FolderOrder) error {
	r, _, err := c.one("SELECT rules FROM orders WHERE folder = ?", o.Folder)
	if err != nil || r.text(0) == o.Rules {
		return err
	}
	for after, more := int64(0), true; more; {
		batch, err := arranged(c, o.Folder, after, o.Turn)
		if err != nil {
			return err
		}
		for _, a := range batch {
			_, err := c.exec("UPDATE intents SET turn = ?, place = ?, dir = ? WHERE seq = ?", a.turn.Kind, a.turn.place(), a.turn.dir(a.path), a.seq)
			if err != nil {
				return err
			}
			after = a.seq
		}
		more = len(batch) == arrangeBatch
	}
	_, err = c.exec("INSERT OR REPLACE INTO orders (folder, rules) VALUES (?, ?)", o.Folder, o.Rules)
	return err
}

// arrangement is the turn of one intent.
type arrangement struct {
	seq  int64
	path file.Path
	turn Turn
}

func arranged(c *conn, folder string, after int64, turn func(file.Path, file.Fingerprint) Turn) ([]arrangement, error) {
	var batch []arrangement
	err := c.each(func(r row) error {
		p := r.path(1)
		batch = append(batch, arrangement{r.int(0), p, turn(p, r.fingerprint(2))})
		return nil
	}, "SELECT seq, path, size, mtime, ctime, dev, ino FROM intents NOT INDEXED WHERE folder = ? AND seq > ? ORDER BY seq LIMIT ?",
		folder, after, arrangeBatch)
	return batch, err
}
