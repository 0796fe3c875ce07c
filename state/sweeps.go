package state

import "context"

// AddSweep queues a temp of ours to be removed from its destination.
func (s *Store) AddSweep(ctx context.Context, sweep Sweep) error {
	return s.write(ctx, "add sweep "+sweep.ID, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO sweeps VALUES (?, ?, ?)", sweep.ID, sweep.Destination, sweep.Temp)
		return err
	})
}

// Swept takes temps off the queue that are gone from their destination.
func (s *Store) Swept(ctx context.Context, ids []string) error {
	return s.write(ctx, "swept", func(c *conn) error {
		for _, id := range ids {
			if _, err := c.exec("DELETE FROM sweeps WHERE id = ?", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// Sweeps returns the destination's queue, the oldest first, and at most limit of it where that is above 0.
func (s *Store) Sweeps(ctx context.Context, destination string, limit int) ([]Sweep, error) {
	var all []Sweep
	err := s.read(ctx, "sweeps at "+destination, func(c *conn) error {
		return c.each(func(r row) error {
			all = append(all, Sweep{ID: r.text(0), Destination: destination, Temp: r.text(1)})
			return nil
		}, "SELECT id, temp FROM sweeps WHERE destination = ? ORDER BY rowid LIMIT ?", destination, unlimited(limit))
	})
	return all, err
}
