package state

import (
	"context"

	"github.com/dropferry/dropferry/file"
)

// Alike returns known files of a route that have a size, and an inode too where that is not 0; at most limit of them.
func (s *Store) Alike(ctx context.Context, route Route, size int64, inode uint64, limit int) ([]Known, error) {
	query, args := selectKnown+"WHERE folder = ? AND destination = ? AND size = ?", []any{route.Folder, route.Destination, size}
	if inode != 0 {
		query, args = query+" AND ino = ?", append(args, inode)
	}
	var found []Known
	err := s.read(ctx, "files alike", func(c *conn) error {
		found = nil
		return c.each(func(r row) error {
			found = append(found, r.known(route.Folder))
			return nil
		}, query+" LIMIT ?", append(args, unlimited(limit))...)
	})
	return found, err
}

// SetMovedFrom changes which known file a planned intent takes its content from; "" none, and none too where
// something else is on its way for that path. It returns false where the intent is not planned.
func (s *Store) SetMovedFrom(ctx context.Context, id string, from file.Path) (bool, error) {
	return s.settle(ctx, "move "+id, id, begun{}, func(c *conn) (int64, error) {
		r, ok, err := c.one("SELECT folder, destination FROM intents WHERE id = ? AND phase = 'planned'", id)
		if err != nil || !ok {
			return 0, err
		}
		from, err := movable(c, Route{Folder: r.text(0), Destination: r.text(1)}, from)
		if err != nil {
			return 0, err
		}
		return c.exec("UPDATE intents SET moved_from = ? WHERE id = ?", from, id)
	})
}

// forgetMoved forgets the file that a published intent has given another name.
func forgetMoved(c *conn, id string) error {
	_, err := c.exec(`DELETE FROM known WHERE (folder, path, destination) IN
		(SELECT folder, moved_from, destination FROM intents WHERE id = ? AND moved_from <> '')`, id)
	return err
}
