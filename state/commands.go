package state

import "context"

// Selection names intents: one by its id, else those of a folder and a destination, where "" is all.
type Selection struct{ ID, Folder, Destination string }

// where returns the condition of a query, which has the arguments at its end.
func (s Selection) where() (condition string, args []any) {
	if s.ID != "" {
		return " id = ?", []any{s.ID}
	}
	condition = " 1"
	if s.Folder != "" {
		condition, args = condition+" AND folder = ?", append(args, s.Folder)
	}
	if s.Destination != "" {
		condition, args = condition+" AND destination = ?", append(args, s.Destination)
	}
	return condition, args
}

// Retried is what Retry has changed.
type Retried struct {
	Released int // were held or parked, and are planned
	Hastened int // waited for a next attempt, which is due now
}

// Retry releases what is held or parked, and makes what waits for a next attempt due now. With overwrite, what was held
// may replace somebody else's file at its final name; without, an earlier permission ends.
func (s *Store) Retry(ctx context.Context, which Selection, overwrite bool) (Retried, error) {
	condition, args := which.where()
	var done Retried
	err := s.write(ctx, "retry", func(c *conn) error {
		hastened, err := c.exec(`UPDATE intents SET next_attempt = 0
			WHERE phase IN ('planned', 'committing') AND next_attempt > 0 AND`+condition, args...)
		if err != nil {
			return err
		}
		released, err := c.exec(`UPDATE intents SET `+released+`, overwrite = (phase = 'held' AND ?)
			WHERE phase IN ('held', 'parked') AND`+condition, append([]any{overwrite}, args...)...)
		done = Retried{Released: int(released), Hastened: int(hastened)}
		return err
	})
	return done, err
}

// released are the columns of an intent that is free again, with its failures forgiven.
const released = `phase = 'planned', next_attempt = 0, failures = 0, mismatches = 0, failed_at = 0, failing_for = 0, sha256 = NULL, evidence = '',
	command = '', remote_mtime = 0, host_key = ''`

// ReleaseAs releases a held intent under another final name, with another temp; the old one is queued to be swept. It
// returns false where the intent is not held, and the id of the intent that holds the name, if one does.
func (s *Store) ReleaseAs(ctx context.Context, id, final, temp string) (ok bool, other string, err error) {
	err = s.write(ctx, "release "+id, func(c *conn) error {
		ok, other = false, ""
		r, found, err := c.one("SELECT destination FROM intents WHERE id = ? AND phase = 'held'", id)
		if err != nil || !found {
			return err
		}
		other, err = inTheWay(c, &Intent{Route: Route{Destination: r.text(0)}, Final: final}, id)
		if err != nil || other != "" {
			return err
		}
		// The intent's own id is for the temp that it has when it ends.
		_, err = c.exec(`INSERT OR REPLACE INTO sweeps SELECT id || ' ' || temp, destination, temp FROM intents
			WHERE id = ? AND temp NOT IN ('', ?)`, id, temp)
		if err != nil {
			return err
		}
		_, err = c.exec("UPDATE intents SET "+released+", overwrite = 0, final = ?, temp = ? WHERE id = ?", final, temp, id)
		if err == nil {
			err = s.folds.respelled(c, id)
		}
		ok = err == nil
		return err
	})
	return ok && err == nil, other, err
}

// Cancel ends intents that are planned, held or parked, queues their temps to be swept, and returns them as they were.
// They stay as cancelled, so that this version of the file is not planned again, until it is superseded or gone from the
// folder: see Lift. What was to be sent again from elsewhere is removed. What waits for their names is released.
func (s *Store) Cancel(ctx context.Context, which Selection) ([]Intent, error) {
	condition, args := which.where()
	open := " WHERE phase IN ('planned', 'held', 'parked') AND" + condition
	var found []Intent
	err := s.write(ctx, "cancel", func(c *conn) (err error) {
		if found, err = intents(c, selectIntent+open+" ORDER BY seq", args...); err != nil {
			return err
		}
		if err := sweepFinals(c, open, args...); err != nil {
			return err
		}
		if err := disownFinals(c, open, args...); err != nil {
			return err
		}
		for _, change := range []string{
			"INSERT OR REPLACE INTO sweeps SELECT id, destination, temp FROM intents" + open + " AND temp <> ''",
			"DELETE FROM intents" + open + " AND source <> ''",
			"UPDATE intents SET phase = 'cancelled', temp = '', next_attempt = 0, overwrite = 0" + open,
		} {
			if _, err := c.exec(change, args...); err != nil {
				return err
			}
		}
		for i := range found {
			if err := s.folds.free(c, found[i].Destination, found[i].Final); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, in := range found {
		s.attempts.forget(in.ID)
	}
	return found, nil
}

// Lift removes a cancelled intent, whose version is no longer in the folder. It returns false where it is not cancelled.
func (s *Store) Lift(ctx context.Context, id string) (bool, error) {
	return s.settle(ctx, "lift", id, begun{}, func(c *conn) (int64, error) {
		return c.exec("DELETE FROM intents WHERE id = ? AND phase = 'cancelled'", id)
	})
}
