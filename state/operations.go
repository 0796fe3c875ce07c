package state

import (
	"context"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Step is what an Operation does.
type Step string

// The steps, in the order in which a destination takes them.
const (
	StepMkdir  Step = "mkdir"  // make a directory
	StepDelete Step = "delete" // take a file away that has left the folder
	StepExpire Step = "expire" // remove a file from the trash
	StepRmdir  Step = "rmdir"  // remove a directory that has left the folder, if it is empty
)

// Operation is a step at a destination that moves no bytes.
type Operation struct {
	ID   string // also the id of the removal that comes of it
	Step Step
	Route
	Path       file.Path
	RemotePath string
	// Trash is, of a delete, the remote path that the file is moved to; "" removes it. Of a rmdir that turns out to be a rename, it is where the
	// directory is meanwhile.
	Trash string

	// The folder's root when it was planned: with another one it is not done.
	RootDev, RootInode uint64

	Upto        int64 // the last receipt before it was planned
	Begun       bool  // the server may have been asked already
	PlannedAt   time.Time
	NextAttempt time.Time // not before; zero: at once
	Attempts    int       // that have failed
	LastError   string
}

// PlanOperations records operations. One that is on record for the same path and route is left as it is.
func (s *Store) PlanOperations(ctx context.Context, all []Operation) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, "plan operations", func(c *conn) error {
		for i := range all {
			o := &all[i]
			_, err := c.exec(`INSERT OR IGNORE INTO operations
					(id, step, folder, destination, path, remote_path, trash, root_dev, root_ino, planned_at, upto)
				SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(max(seq), 0) FROM deliveries`,
				o.ID, string(o.Step), o.Folder, o.Destination, o.Path, o.RemotePath, o.Trash, o.RootDev, o.RootInode, o.PlannedAt)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

const selectOperation = `SELECT id, step, folder, destination, path, remote_path, trash, root_dev, root_ino, begun,
	planned_at, next_attempt, attempts, last_error, upto FROM operations AS o `

func (r row) operation() Operation {
	return Operation{
		ID:          r.text(0),
		Step:        Step(r.text(1)),
		Route:       Route{Folder: r.text(2), Destination: r.text(3)},
		Path:        r.path(4),
		RemotePath:  r.text(5),
		Trash:       r.text(6),
		RootDev:     uint64(r.int(7)),
		RootInode:   uint64(r.int(8)),
		Begun:       r.bool(9),
		PlannedAt:   r.time(10),
		NextAttempt: r.time(11),
		Attempts:    int(r.int(12)),
		LastError:   r.text(13),
		Upto:        r.int(14),
	}
}

// dueOperations finds operations of one step. Directories are removed when no removal of a file is left on their route, the
// deepest first: byte-wise, what lies in a directory sorts behind it.
var dueOperations = []struct {
	step  Step
	query string
}{
	{StepMkdir, dueSteps + " ORDER BY o.path"},
	{StepDelete, dueSteps + " ORDER BY o.path"},
	{StepExpire, dueSteps + " ORDER BY o.path"},
	{StepRmdir, dueSteps + ` AND NOT EXISTS (SELECT 1 FROM operations AS d
		WHERE d.destination = o.destination AND d.step = 'delete' AND d.folder = o.folder) ORDER BY o.path DESC`},
}

const dueSteps = selectOperation + `WHERE o.destination = ?1 AND o.step = ?2 AND o.next_attempt <= ?3
	AND NOT EXISTS (SELECT 1 FROM stopped AS s WHERE s.folder IN ('', o.folder) AND s.destination IN ('', ?1))`

// DueOperations returns operations at a destination whose next attempt is not after now and that are not in skip, all of
// one step and at most limit of them, but for those on a paused route and of a halted folder. The next step comes when
// nothing is left of the ones before it.
func (s *Store) DueOperations(ctx context.Context, destination string, now time.Time, limit int, skip map[string]bool) ([]Operation, error) {
	var due []Operation
	err := s.read(ctx, "operations due at "+destination, func(c *conn) error {
		due = nil
		for _, q := range dueOperations {
			cur, err := c.query(q.query, destination, string(q.step), now)
			if err != nil {
				return err
			}
			for len(due) < limit && cur.next() {
				if !skip[cur.row.text(0)] {
					due = append(due, cur.row.operation())
				}
			}
			if err := cur.close(); err != nil || len(due) > 0 {
				return err
			}
		}
		return nil
	})
	return due, err
}

// BegunDirs returns the removals of directories of which the server may have been asked already.
func (s *Store) BegunDirs(ctx context.Context, destination string) ([]Operation, error) {
	var all []Operation
	err := s.read(ctx, "directories begun at "+destination, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.operation())
			return nil
		}, selectOperation+"WHERE o.destination = ? AND o.step = 'rmdir' AND o.begun = 1 ORDER BY o.path DESC", destination)
	})
	return all, err
}

// NextOperation returns the earliest next attempt of an operation of the destination that lies after now, if there is one.
func (s *Store) NextOperation(ctx context.Context, destination string, now time.Time) (time.Time, bool, error) {
	var next int64
	err := s.read(ctx, "next operation at "+destination, func(c *conn) error {
		r, _, err := c.one(`SELECT min(o.next_attempt) FROM operations AS o WHERE o.destination = ?1 AND o.next_attempt > ?2
			AND NOT EXISTS (SELECT 1 FROM stopped AS s WHERE s.folder IN ('', o.folder) AND s.destination IN ('', ?1))`, destination, now)
		if err == nil {
			next = r.int(0)
		}
		return err
	})
	return fromNanos(next), next != 0 && err == nil, err
}

// Operations returns the operations of a folder and a destination, "" for all, by path; at most limit where that is above 0.
func (s *Store) Operations(ctx context.Context, folder, destination string, limit int) ([]Operation, error) {
	var all []Operation
	err := s.read(ctx, "operations", func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.operation())
			return nil
		}, selectOperation+`WHERE o.folder = coalesce(nullif(?1, ''), o.folder) AND o.destination = coalesce(nullif(?2, ''), o.destination)
			ORDER BY o.folder, o.destination, o.path, o.step LIMIT ?3`, folder, destination, unlimited(limit))
	})
	return all, err
}

// OperationsOf returns the operations on one path of a folder.
func (s *Store) OperationsOf(ctx context.Context, folder string, p file.Path) ([]Operation, error) {
	var all []Operation
	err := s.read(ctx, "operations on "+string(p), func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.operation())
			return nil
		}, selectOperation+"WHERE o.folder = ? AND o.path = ? ORDER BY o.destination, o.step", folder, p)
	})
	return all, err
}

// OperationCounts returns how many operations there are of each route.
func (s *Store) OperationCounts(ctx context.Context) (map[Route]int, error) {
	counts := map[Route]int{}
	err := s.read(ctx, "count operations", func(c *conn) error {
		clear(counts)
		return c.each(func(r row) error {
			counts[Route{Folder: r.text(0), Destination: r.text(1)}] = int(r.int(2))
			return nil
		}, "SELECT folder, destination, count(*) FROM operations GROUP BY folder, destination")
	})
	return counts, err
}

// BeginOperation records that the server is about to be asked, and where a file goes. It returns false where the
// operation is gone: it must not be done.
func (s *Store) BeginOperation(ctx context.Context, id, trash string) (bool, error) {
	return s.onOperation(ctx, "begin", id, "UPDATE operations SET begun = 1, trash = ? WHERE id = ?", trash, id)
}

// FailOperation records a failed attempt; an operation that is gone is no error.
func (s *Store) FailOperation(ctx context.Context, id, why string, next time.Time) error {
	_, err := s.onOperation(ctx, "fail", id,
		"UPDATE operations SET attempts = attempts + 1, last_error = ?, next_attempt = ? WHERE id = ?", why, next, id)
	return err
}

// DropOperation removes an operation that is not to be done.
func (s *Store) DropOperation(ctx context.Context, id string) error {
	_, err := s.onOperation(ctx, "drop", id, "DELETE FROM operations WHERE id = ?", id)
	return err
}

// RetireOperations removes the operations of a folder at destinations other than these: it is not sent there any more.
func (s *Store) RetireOperations(ctx context.Context, folder string, destinations []string) error {
	all, err := s.Operations(ctx, folder, "", 0)
	if err != nil {
		return err
	}
	for i := range all {
		if !slices.Contains(destinations, all[i].Destination) {
			if err := s.DropOperation(ctx, all[i].ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// HastenOperations makes the operations of a folder and a destination, "" for all, due now, and returns how many waited.
func (s *Store) HastenOperations(ctx context.Context, folder, destination string) (int, error) {
	var n int64
	err := s.write(ctx, "hasten operations", func(c *conn) (err error) {
		n, err = c.exec(`UPDATE operations SET next_attempt = 0 WHERE next_attempt > 0
			AND folder = coalesce(nullif(?1, ''), folder) AND destination = coalesce(nullif(?2, ''), destination)`, folder, destination)
		return err
	})
	return int(n), err
}

func (s *Store) onOperation(ctx context.Context, op, id, change string, args ...any) (bool, error) {
	var n int64
	err := s.write(ctx, op+" operation "+id, func(c *conn) (err error) {
		n, err = c.exec(change, args...)
		return err
	})
	return n > 0 && err == nil, err
}
