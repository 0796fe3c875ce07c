package state

import (
	"context"
	"time"
)

// FailedAttempt is why one attempt at an intent failed.
type FailedAttempt struct {
	N     int // of the intent's failures, from 1 on
	At    time.Time
	Err   string
	Aside Phase // Held or Parked where the intent was set aside for it
}

// failuresKept is of how many failures of one intent is remembered why: of its first, and of the last ones.
const failuresKept = 20

// noteFailure remembers why an attempt has failed.
func noteFailure(c *conn, id string, f *Failure, aside string) error {
	if aside == string(Planned) {
		aside = ""
	}
	_, err := c.exec(`INSERT INTO failures (intent, n, at, error, aside)
		SELECT id, coalesce((SELECT max(n) FROM failures WHERE intent = ?1), 0) + 1, ?2, ?3, ?4 FROM intents WHERE id = ?1`, id, f.At, f.Err, aside)
	if err == nil {
		_, err = c.exec(`DELETE FROM failures WHERE intent = ?1 AND n > 1
			AND n <= (SELECT max(n) FROM failures WHERE intent = ?1) - ?2`, id, failuresKept-1)
	}
	return err
}

// Failures returns why attempts at an intent have failed, whether or not it was delivered since, the first one first. Of many only
// the first and the last ones are known.
func (s *Store) Failures(ctx context.Context, id string) ([]FailedAttempt, error) {
	var all []FailedAttempt
	err := s.read(ctx, "failures of "+id, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, FailedAttempt{N: int(r.int(0)), At: r.time(1), Err: r.text(2), Aside: Phase(r.text(3))})
			return nil
		}, "SELECT n, at, error, aside FROM failures WHERE intent = ? ORDER BY n", id)
	})
	return all, err
}
