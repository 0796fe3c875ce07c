package state

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Removal is the record of a file that was taken away at a destination. Like a receipt it is never changed or removed.
type Removal struct {
	ID string // of the operation
	Route
	Path       file.Path
	RemotePath string // where it was
	Size       int64
	SHA256     []byte // nil where it was not known
	Trash      string // where it went; "" where it was removed
	At         time.Time
}

// Removed records that an operation has taken a file away, all in one transaction: the removal, what is in the trash now,
// that the destination has the file no more, and the operation's end. What waits for the file's name is released: a
// directory that could not be made there, a file whose name is the same to the destination. It does nothing where that is on record.
func (s *Store) Removed(ctx context.Context, o *Operation, r Removal) error {
	return s.write(ctx, "removed "+o.RemotePath, func(c *conn) error {
		n, err := c.exec(`INSERT INTO removals (id, folder, destination, path, remote_path, size, sha256, trash, at)
			SELECT ?1, ?, ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM removals WHERE id = ?1)`,
			o.ID, o.Folder, o.Destination, o.Path, o.RemotePath, r.Size, r.SHA256, r.Trash, r.At)
		if err != nil || n == 0 {
			return err
		}
		switch o.Step {
		case StepExpire:
			_, err = c.exec("DELETE FROM trashed WHERE destination = ? AND remote_path = ?", o.Destination, o.RemotePath)
		default:
			err = forgetAt(c, o)
		}
		if err == nil && r.Trash != "" {
			_, err = c.exec("INSERT OR REPLACE INTO trashed (id, folder, destination, path, remote_path, size, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
				o.ID, o.Folder, o.Destination, o.Path, r.Trash, r.Size, r.At)
		}
		if err == nil {
			_, err = c.exec("DELETE FROM operations WHERE id = ?", o.ID)
		}
		if err == nil {
			err = freeName(c, o)
		}
		if err == nil {
			err = s.folds.free(c, o.Destination, o.RemotePath)
		}
		return err
	})
}

// Forgotten ends an operation on a file that is not ours any more, or gone: nothing is known of it from now on. What waits for its name
// is released.
func (s *Store) Forgotten(ctx context.Context, o *Operation) error {
	return s.write(ctx, "forget "+o.RemotePath, func(c *conn) error {
		var err error
		if o.Step == StepExpire {
			_, err = c.exec("DELETE FROM trashed WHERE destination = ? AND remote_path = ?", o.Destination, o.RemotePath)
		} else {
			err = forgetAt(c, o)
		}
		if err == nil {
			_, err = c.exec("DELETE FROM operations WHERE id = ?", o.ID)
		}
		if err == nil {
			err = s.folds.free(c, o.Destination, o.RemotePath)
		}
		return err
	})
}

// forgetAt forgets the file that an operation is about, if it is known under that remote name and nothing was published
// there since.
func forgetAt(c *conn, o *Operation) error {
	_, err := c.exec(`DELETE FROM known WHERE folder = ?1 AND path = ?2 AND destination = ?3 AND remote_path = ?4
		AND NOT EXISTS (SELECT 1 FROM deliveries WHERE destination = ?3 AND remote_path = ?4 AND seq > ?5)`,
		o.Folder, o.Path, o.Destination, o.RemotePath, o.Upto)
	if err == nil {
		_, err = c.exec(`DELETE FROM missing WHERE folder = ?1 AND path = ?2 AND dir = 0
			AND NOT EXISTS (SELECT 1 FROM known WHERE folder = ?1 AND path = ?2)`, o.Folder, o.Path)
	}
	return err
}

// Removals returns the removals that the filter selects, the newest first.
func (s *Store) Removals(ctx context.Context, f Filter) ([]Removal, error) {
	var all []Removal
	err := s.read(ctx, "removals", func(c *conn) error {
		all = nil
		before, err := orderOf(c, "seq, 0 FROM removals", f.Before)
		if err != nil {
			return err
		}
		limit, last := f.Limit, int64(math.MaxInt64)
		if f.Match != nil { // who is asked of each of them counts
			limit = 0
		}
		if before != nil {
			last = before[0].(int64) - 1
		}
		err = c.each(func(r row) error {
			if f.Match != nil && !f.Match(r.path(3)) {
				return nil
			}
			all = append(all, Removal{
				ID: r.text(0), Route: Route{Folder: r.text(1), Destination: r.text(2)}, Path: r.path(3), RemotePath: r.text(4),
				Size: r.int(5), SHA256: r.blob(6), Trash: r.text(7), At: r.time(8),
			})
			if f.Match != nil && len(all) == f.Limit {
				return errEnough
			}
			return nil
		}, `SELECT id, folder, destination, path, remote_path, size, sha256, trash, at FROM removals
			WHERE at >= ?1 AND (?2 = '' OR folder = ?2) AND (?3 = '' OR destination = ?3) AND (?4 = '' OR path = ?4)
			AND seq <= ?5 ORDER BY seq DESC LIMIT ?6`, f.Since, f.Folder, f.Destination, f.Path, last, unlimited(limit))
		if errors.Is(err, errEnough) {
			err = nil
		}
		return err
	})
	return all, err
}
