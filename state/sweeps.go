package state

import (
	"context"
	"time"
)

// AddSweep queues a temp of ours to be removed from its destination.
func (s *Store) AddSweep(ctx context.Context, sweep Sweep) error {
	return s.write(ctx, "add sweep "+sweep.ID, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO sweeps VALUES (?, ?, ?)", sweep.ID, sweep.Destination, sweep.Temp)
		return err
	})
}

// SweepLater queues files that are about to be made and to be removed again, should that come to nothing. They are not
// removed before a time; zero is at once.
func (s *Store) SweepLater(ctx context.Context, sweeps []Sweep, at time.Time) error {
	return s.write(ctx, "sweep later", func(c *conn) error {
		for _, one := range sweeps {
			if _, err := c.exec("INSERT OR REPLACE INTO sweeps VALUES (?, ?, ?)", one.ID, one.Destination, one.Temp); err != nil {
				return err
			}
			if at.IsZero() {
				continue
			}
			if _, err := c.exec("INSERT OR REPLACE INTO unswept VALUES (?, 0, ?)", one.ID, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// Swept takes temps off the queue that are gone from their destination, or given up.
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

// SweepFailed counts an attempt at a temp that could not be removed. The next one is not made before a time.
func (s *Store) SweepFailed(ctx context.Context, id string, next time.Time) error {
	return s.write(ctx, "sweep "+id, func(c *conn) error {
		_, err := c.exec(`INSERT INTO unswept SELECT id, 1, ? FROM sweeps WHERE id = ?
			ON CONFLICT (id) DO UPDATE SET tries = tries + 1, next_attempt = excluded.next_attempt`, next, id)
		return err
	})
}

const selectSweep = `SELECT s.id, s.temp, coalesce(u.tries, 0) FROM sweeps AS s LEFT JOIN unswept AS u ON u.id = s.id WHERE s.destination = ? `

// Sweeps returns the destination's queue, the oldest first, and at most limit of it where that is above 0.
func (s *Store) Sweeps(ctx context.Context, destination string, limit int) ([]Sweep, error) {
	return s.sweeps(ctx, destination, selectSweep+"ORDER BY s.rowid LIMIT ?", unlimited(limit))
}

// DueSweeps returns what of the queue is to be tried now: whose next attempt is not after now, or so late that a clock must
// have been put back since.
func (s *Store) DueSweeps(ctx context.Context, destination string, now, latest time.Time, limit int) ([]Sweep, error) {
	return s.sweeps(ctx, destination, selectSweep+
		"AND (u.id IS NULL OR u.next_attempt <= ? OR u.next_attempt > ?) ORDER BY s.rowid LIMIT ?", now, latest, unlimited(limit))
}

func (s *Store) sweeps(ctx context.Context, destination, query string, args ...any) ([]Sweep, error) {
	var all []Sweep
	err := s.read(ctx, "sweeps at "+destination, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Sweep{ID: r.text(0), Destination: destination, Temp: r.text(1), Tries: int(r.int(2))})
			return nil
		}, query, append([]any{destination}, args...)...)
	})
	return all, err
}
