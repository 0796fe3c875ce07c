package state

import "context"

// What is left of routes that are not in the configuration any more.

// unseen are intents of which nobody at the destination can have seen anything: what was about to be published once has
// a hash, whatever became of it.
const unseen = " AND phase IN ('planned', 'held', 'parked') AND sha256 IS NULL"

// Retire removes the intents of routes that are gone, as far as nobody can have seen anything of them, queues their temps
// to be swept, and returns them as they were. What may be published already stays.
func (s *Store) Retire(ctx context.Context, gone func(Route) bool) ([]Intent, error) {
	var found []Intent
	err := s.write(ctx, "retire routes", func(c *conn) error {
		found = nil
		var routes []Route
		err := c.each(func(r row) error {
			if route := (Route{Folder: r.text(0), Destination: r.text(1)}); gone(route) {
				routes = append(routes, route)
			}
			return nil
		}, "SELECT folder, destination FROM counts WHERE intents > 0 ORDER BY folder, destination")
		if err != nil {
			return err
		}
		for _, r := range routes {
			dropped, err := intents(c, selectIntent+"WHERE folder = ? AND destination = ?"+unseen+" ORDER BY seq", r.Folder, r.Destination)
			if err != nil {
				return err
			}
			for i := range dropped {
				if _, err := abandon(c, dropped[i].ID); err != nil {
					return err
				}
			}
			found = append(found, dropped...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		s.attempts.forget(found[i].ID)
	}
	return found, nil
}

// CancelCommitting ends intents that may be published already, at destinations that are gone: nobody can look any more.
// They count as cancelled, so that their versions are not planned anew, and are returned as they were.
func (s *Store) CancelCommitting(ctx context.Context, which Selection, gone func(destination string) bool) ([]Intent, error) {
	condition, args := which.where()
	var found []Intent
	err := s.write(ctx, "cancel", func(c *conn) error {
		all, err := intents(c, selectIntent+"WHERE phase = 'committing' AND"+condition+" ORDER BY seq", args...)
		if err != nil {
			return err
		}
		found = nil
		for i := range all {
			if !gone(all[i].Destination) {
				continue
			}
			found = append(found, all[i])
			for _, change := range []string{
				"INSERT OR REPLACE INTO sweeps SELECT id, destination, temp FROM intents WHERE id = ? AND temp <> ''",
				"DELETE FROM intents WHERE id = ? AND source <> ''",
				"UPDATE intents SET phase = 'cancelled', temp = '', next_attempt = 0, overwrite = 0 WHERE id = ?",
			} {
				if _, err := c.exec(change, all[i].ID); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}
