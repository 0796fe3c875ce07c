package state

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"
)

// Planned intents that have never failed are due in the order of the index. Those whose time has come again are found
// by it first, so that no more of them than wanted are read and sorted. The condition but leaves folders out.

// selectPlaced is selectIntent with the place in the folder's order behind it.
const (
	selectPlaced = "SELECT " + intentColumns + ", place FROM intents "
	placedAt     = 33 // the column
	inOrder      = "ORDER BY place, path"
)

func dueCommitting(but string) string {
	return selectIntent + "WHERE phase = 'committing' AND destination = ?1 AND next_attempt <= ?2" + but + " ORDER BY seq"
}

const (
	againNow = "phase = 'planned' AND destination = ?1 AND next_attempt > 0 AND next_attempt <= ?2 AND turn = 0"

	dueFresh = selectPlaced + "WHERE phase = 'planned' AND destination = ?1 AND next_attempt = 0 AND turn = 0 AND folder = ?2 " + inOrder
	dueAgain = selectPlaced + "WHERE seq IN (SELECT seq FROM intents WHERE " + againNow + " AND folder = ?3 " + inOrder + " LIMIT ?4) " + inOrder
)

// freshFolder finds the folder after another one that has something that has never failed.
func freshFolder(but string) string {
	return "SELECT folder FROM intents WHERE phase = 'planned' AND destination = ?1 AND next_attempt = 0 AND turn = 0 AND folder > ?2" +
		but + " ORDER BY folder LIMIT 1"
}

func foldersAgain(but string) string {
	return "SELECT DISTINCT folder FROM intents WHERE " + againNow + but
}

func nextAttempt(but string) string {
	return "SELECT min(next_attempt) FROM intents WHERE destination = ?1 AND phase = ?2 AND next_attempt > ?3" + but
}

// inPausedFolder leaves out what is paused at the destination.
const inPausedFolder = " AND folder NOT IN (SELECT folder FROM stopped WHERE destination IN ('', ?1))"

// pausedAt tells whether the whole destination is paused, and else what to leave out there. Where nothing is, the
// queries need no more than the index.
func pausedAt(c *conn, destination string) (all bool, but string, err error) {
	r, some, err := c.one("SELECT folder FROM stopped WHERE destination IN ('', ?) ORDER BY folder LIMIT 1", destination)
	switch {
	case err != nil || !some:
		return false, "", err
	case r.text(0) == "":
		return true, "", nil
	}
	return false, inPausedFolder, nil
}

// Due returns the intents of the destination whose next attempt is not after now and which are not in skip: those that
// are committing, and then those that are planned and whose turn is Free, but for those on a paused route. Each folder's
// come in its order; of several folders, the one whose turn it is by what was planned first goes on. It returns at most
// limit of them, or all where that is 0.
func (s *Store) Due(ctx context.Context, destination string, now time.Time, limit int, skip map[string]bool) ([]Intent, error) {
	if limit <= 0 {
		limit = math.MaxInt
	}
	var due []Intent
	err := s.read(ctx, "due at "+destination, func(c *conn) error {
		due = nil
		all, but, err := pausedAt(c, destination)
		if err != nil || all {
			return err
		}
		committing, err := wanted(c, limit, skip, dueCommitting(but), destination, now)
		if err != nil {
			return err
		}
		for i := range committing {
			due = append(due, committing[i].intent)
		}
		if len(due) == limit {
			return nil
		}
		lines, err := dueOfFolders(c, destination, but, now, limit-len(due), skip)
		due = mergeLines(due, lines, limit)
		return err
	})
	return due, err
}

// dueOfFolders returns what is planned and due, at most limit of each folder, in its order.
func dueOfFolders(c *conn, destination, but string, now time.Time, limit int, skip map[string]bool) ([][]placed, error) {
	var lines [][]placed
	again, err := againIn(c, destination, but, now)
	if err != nil {
		return nil, err
	}
	r, found, err := c.one(freshFolder(but), destination, "")
	for found && err == nil {
		folder := r.text(0)
		line, err := wanted(c, limit, skip, dueFresh, destination, folder)
		if err != nil {
			return nil, err
		}
		if again[folder] {
			delete(again, folder)
			more, err := wanted(c, limit, skip, dueAgain, destination, now, folder, enough(limit, len(skip)))
			if err != nil {
				return nil, err
			}
			line = append(line, more...)
			slices.SortFunc(line, comparePlaced)
		}
		lines = append(lines, line)
		if r, found, err = c.one(freshFolder(but), destination, folder); err != nil {
			return nil, err
		}
	}
	for folder := range again {
		line, err := wanted(c, limit, skip, dueAgain, destination, now, folder, enough(limit, len(skip)))
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, err
}

// againIn returns the folders that have something whose time has come again.
func againIn(c *conn, destination, but string, now time.Time) (map[string]bool, error) {
	var folders map[string]bool
	err := c.each(func(r row) error {
		if folders == nil {
			folders = map[string]bool{}
		}
		folders[r.text(0)] = true
		return nil
	}, foldersAgain(but), destination, now)
	return folders, err
}

// mergeLines appends to due, up to limit, the intents of several lines, each in its order: the next is of the line whose
// next was planned first.
func mergeLines(due []Intent, lines [][]placed, limit int) []Intent {
	for len(due) < limit {
		next := -1
		for i, line := range lines {
			if len(line) > 0 && (next < 0 || line[0].seq < lines[next][0].seq) {
				next = i
			}
		}
		if next < 0 {
			break
		}
		due = append(due, lines[next][0].intent)
		lines[next] = lines[next][1:]
	}
	return due
}

// placed is an intent with its place: in the order of planning, and in that of its folder.
type placed struct {
	seq    int64
	place  int64
	intent Intent
}

func (p *placed) before(other *placed) bool { return comparePlaced(*p, *other) < 0 }

func comparePlaced(a, b placed) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.intent.Path, b.intent.Path), cmp.Compare(a.seq, b.seq))
}

// enough is how many rows must be read to find limit that are not skipped, as a limit of SQL.
func enough(limit, skipped int) int {
	if limit > math.MaxInt-skipped {
		return -1
	}
	return limit + skipped
}

// wanted returns the first intents, at most limit, that a query finds and that are not in skip.
func wanted(c *conn, limit int, skip map[string]bool, query string, args ...any) ([]placed, error) {
	cur, err := c.query(query, args...)
	if err != nil {
		return nil, err
	}
	var found []placed
	for len(found) < limit && cur.next() {
		if !skip[cur.row.text(intentID)] {
			one := placed{seq: cur.row.int(0), intent: cur.row.intent()}
			if len(cur.row) > placedAt {
				one.place = cur.row.int(placedAt)
			}
			found = append(found, one)
		}
	}
	return found, cur.close()
}

// NextDue returns the earliest next attempt of a planned or committing intent of the destination that lies after now
// and is on no paused route, if there is one.
func (s *Store) NextDue(ctx context.Context, destination string, now time.Time) (time.Time, bool, error) {
	var next int64
	err := s.read(ctx, "next due at "+destination, func(c *conn) error {
		next = 0
		all, but, err := pausedAt(c, destination)
		if err != nil || all {
			return err
		}
		for _, phase := range []Phase{Planned, Committing} {
			r, _, err := c.one(nextAttempt(but), destination, phase, now)
			if err != nil {
				return err
			}
			if n := r.int(0); n != 0 && (next == 0 || n < next) {
				next = n
			}
		}
		return nil
	})
	return fromNanos(next), next != 0 && err == nil, err
}
