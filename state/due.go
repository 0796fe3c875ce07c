package state

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Planned intents that have never failed are due in the order of the index. Those whose time has come again are found
// by their numbers first, so that no more of them than wanted are read and sorted. The condition but leaves some out.

func dueCommitting(but string) string {
	return selectIntent + "WHERE phase = 'committing' AND destination = ?1 AND next_attempt <= ?2" + but + " ORDER BY seq"
}

func dueFresh(but string) string {
	return selectIntent + "WHERE phase = 'planned' AND destination = ?1 AND next_attempt = 0 AND turn = 0" + but + " ORDER BY seq"
}

func dueAgain(but string) string {
	return selectIntent + `WHERE seq IN (
		SELECT seq FROM intents WHERE phase = 'planned' AND destination = ?1 AND next_attempt > 0 AND next_attempt <= ?2 AND turn = 0` +
		but + " ORDER BY seq LIMIT ?3) ORDER BY seq"
}

// smallAmong is how many of the last planned intents are looked through for small ones: a bound for when very many wait.
const smallAmong = 10_000

// dueSmall finds files of at most ?3 bytes among those that are planned, have failed or not, and are due, and whose turn
// is Free or Placed: others wait for their turn.
func dueSmall(but string) string {
	return selectIntent + `WHERE seq IN (
		SELECT seq FROM (SELECT seq FROM intents WHERE phase = 'planned' AND destination = ?1 AND next_attempt = 0 AND turn = 0
			ORDER BY seq DESC LIMIT ?4)
		UNION ALL
		SELECT seq FROM (SELECT seq FROM intents WHERE phase = 'planned' AND destination = ?1 AND next_attempt = 0 AND turn = 1
			ORDER BY seq DESC LIMIT ?4)
		UNION ALL
		SELECT seq FROM (SELECT seq FROM intents WHERE phase = 'planned' AND destination = ?1 AND next_attempt > 0 AND next_attempt <= ?2
			AND turn <= 1 ORDER BY seq DESC LIMIT ?4))
		AND size <= ?3` + but + " ORDER BY seq"
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

// dueAhead is how many planned intents are put in the order of their paths at once.
const dueAhead = 256

// Due returns the intents of the destination whose next attempt is not after now and which are not in skip, but for those
// on a paused route: those that are committing, and then those that are planned and whose turn is Free. They come in the
// order in which they were planned, which is that of their paths for what one scan has found; of those that were planned
// next, dueAhead at least, each folder's come by their paths. It returns at most limit of them, or all where that is 0.
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
		left := max(limit-len(committing), 0)
		if left > 0 {
			left = max(left, dueAhead)
		}
		fresh, err := wanted(c, left, skip, dueFresh(but), destination)
		if err != nil {
			return err
		}
		again, err := wanted(c, left, skip, dueAgain(but), destination, now, enough(left, len(skip)))
		if err != nil {
			return err
		}
		planned := append(fresh, again...)
		slices.SortFunc(planned, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
		planned = planned[:min(left, len(planned))]
		byPath(planned)
		due = make([]Intent, 0, min(limit, len(committing)+len(planned)))
		for _, n := range append(committing, planned[:min(limit-len(committing), len(planned))]...) {
			due = append(due, n.intent)
		}
		return nil
	})
	return due, err
}

// byPath puts each folder's intents in the order of their paths. The places that a folder has among the others stay its own.
func byPath(planned []numbered) {
	inOrder, last := true, map[string]file.Path{}
	for i := range planned {
		in := &planned[i].intent
		inOrder = inOrder && last[in.Folder] <= in.Path
		last[in.Folder] = in.Path
	}
	if inOrder {
		return
	}
	lines := map[string][]numbered{}
	for _, n := range planned {
		lines[n.intent.Folder] = append(lines[n.intent.Folder], n)
	}
	for _, line := range lines {
		slices.SortStableFunc(line, func(a, b numbered) int { return cmp.Compare(a.intent.Path, b.intent.Path) })
	}
	for i := range planned {
		folder := planned[i].intent.Folder
		planned[i], lines[folder] = lines[folder][0], lines[folder][1:]
	}
}

// DueSmall returns at most limit of the planned intents that are due, as for Due, and are for files of at most so many
// bytes. Where very many are due it looks at those that were planned last: a small file that has come just now is found
// however many wait.
func (s *Store) DueSmall(ctx context.Context, destination string, now time.Time, most int64, limit int, skip map[string]bool) ([]Intent, error) {
	var due []Intent
	err := s.read(ctx, "due at "+destination, func(c *conn) error {
		due = nil
		all, but, err := pausedAt(c, destination)
		if err != nil || all {
			return err
		}
		small, err := wanted(c, limit, skip, dueSmall(but), destination, now, most, smallAmong)
		for _, n := range small {
			due = append(due, n.intent)
		}
		return err
	})
	return due, err
}

// numbered is an intent with its place in the order of planning.
type numbered struct {
	seq    int64
	intent Intent
}

// enough is how many rows must be read to find limit that are not skipped, as a limit of SQL.
func enough(limit, skipped int) int {
	if limit > math.MaxInt-skipped {
		return -1
	}
	return limit + skipped
}

// wanted returns the first intents, at most limit, that a query finds and that are not in skip.
func wanted(c *conn, limit int, skip map[string]bool, query string, args ...any) ([]numbered, error) {
	cur, err := c.query(query, args...)
	if err != nil {
		return nil, err
	}
	var found []numbered
	for len(found) < limit && cur.next() {
		if !skip[cur.row.text(intentID)] {
			found = append(found, numbered{cur.row.int(0), cur.row.intent()})
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
