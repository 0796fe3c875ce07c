package state

import (
	"context"
	"time"
)

// SetWait stores how long a destination is let alone, in place of an earlier wait.
func (s *Store) SetWait(ctx context.Context, w Wait) error {
	return s.write(ctx, "let "+w.Destination+" alone", func(c *conn) error {
		_, err := c.exec(`INSERT OR REPLACE INTO waits
				(destination, failures, connects, dropped, reason, account, failed_at, next_attempt)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			w.Destination, w.Failures, w.Connects, one(w.Dropped), w.Reason, w.Account, w.FailedAt, w.Next)
		return err
	})
}

// ClearWait ends a destination's wait. It returns false where there is none.
func (s *Store) ClearWait(ctx context.Context, destination string) (bool, error) {
	var n int64
	err := s.write(ctx, "end the wait for "+destination, func(c *conn) (err error) {
		n, err = c.exec("DELETE FROM waits WHERE destination = ?", destination)
		return err
	})
	return n > 0 && err == nil, err
}

// WaitOf returns a destination's wait, if it has one. Its time may have passed.
func (s *Store) WaitOf(ctx context.Context, destination string) (Wait, bool, error) {
	all, err := s.Waits(ctx)
	for _, w := range all {
		if w.Destination == destination {
			return w, true, err
		}
	}
	return Wait{}, false, err
}

// Waits returns all waits, by the name of their destination.
func (s *Store) Waits(ctx context.Context) ([]Wait, error) {
	var all []Wait
	err := s.read(ctx, "waits", func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Wait{
				Destination: r.text(0),
				Failures:    int(r.int(1)),
				Connects:    int(r.int(2)),
				Dropped:     r.bool(3),
				Reason:      r.text(4),
				Account:     r.text(5),
				FailedAt:    r.time(6),
				Next:        r.time(7),
			})
			return nil
		}, `SELECT destination, failures, connects, dropped, reason, account, failed_at, next_attempt
			FROM waits ORDER BY destination`)
	})
	return all, err
}

// BringForward moves next attempts at a destination that lie after latest to latest, and returns how many did. They were
// set by a clock that has been put back since.
func (s *Store) BringForward(ctx context.Context, destination string, latest time.Time) (int, error) {
	var n int64
	err := s.write(ctx, "bring forward at "+destination, func(c *conn) (err error) {
		n, err = c.exec("UPDATE intents SET next_attempt = ?1 WHERE phase IN ('planned', 'committing') AND destination = ?2 AND next_attempt > ?1",
			latest, destination)
		if err != nil {
			return err
		}
		more, err := c.exec("UPDATE operations SET next_attempt = ?1 WHERE destination = ?2 AND next_attempt > ?1", latest, destination)
		n += more
		return err
	})
	return int(n), err
}
