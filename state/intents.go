package state

import (
	"context"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Failure is why an attempt ended without a delivery, and what follows from it.
type Failure struct {
	Err   string
	At    time.Time     // of the failure
	Next  time.Time     // not before; zero: at once
	Phase Phase         // Held or Parked sets the intent aside; any other leaves it in the phase that it has
	Own   bool          // the file's own failure, which counts towards giving it up
	Spent time.Duration // adds to Intent.FailingFor

	// Further says that the upload has come further than any before: what has failed before counts no more, but for
	// mismatches.
	Further bool
	// Mismatch says that the server had other bytes than were sent: what was sent is forgotten.
	Mismatch bool
	// Unpublished says that what T2 spoke of is neither published nor there any more: a committing intent is planned again.
	Unpublished bool
	// Temp is the remote path to upload to from now on: late writes of a connection that is given up must not reach the
	// next attempt's bytes. The temp so far is queued to be swept, and its checkpoint forgotten. "" keeps the temp, and so
	// does an intent that stays committing.
	Temp string
	// Collides is the file whose name the destination takes for the intent's, which is held because of it; "" none.
	Collides file.Path
	// Conflict is what stands at the final name of an intent that is held because of it; nil where that is not known.
	Conflict *Conflict
}

// Commit records that the intent's temp is uploaded and verified, and about to be renamed (T2). It returns false where
// the intent is no longer planned.
func (s *Store) Commit(ctx context.Context, id string, proof Proof) (bool, error) {
	begun := s.attempts.of(id)
	return s.settle(ctx, "commit", id, begun, func(c *conn) (int64, error) {
		return c.exec(`UPDATE intents SET phase = 'committing', sha256 = ?, evidence = ?, command = ?, remote_mtime = ?,
				host_key = ?, spared = ?, attempts = attempts + ?, started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END
			WHERE id = ? AND phase = 'planned'`,
			proof.SHA256, proof.Evidence, proof.Command, proof.RemoteModTime, proof.HostKey, proof.Spared, begun.n, begun.first, id)
	})
}

// Fail records a failed attempt. An intent that has been delivered, cancelled, held or parked meanwhile stays so, with
// the error; one that is gone is no error.
func (s *Store) Fail(ctx context.Context, id string, f Failure) error {
	begun := s.attempts.of(id)
	aside := ""
	switch {
	case f.Phase == Held, f.Phase == Parked:
		aside = string(f.Phase)
	case f.Unpublished:
		aside = string(Planned)
	}
	_, err := s.settle(ctx, "fail", id, begun, func(c *conn) (int64, error) {
		if f.Temp != "" {
			if err := renewTemp(c, id, f.Temp, aside); err != nil {
				return 0, err
			}
		}
		if f.Mismatch {
			if _, err := c.exec("DELETE FROM checkpoints WHERE intent = ?", id); err != nil {
				return 0, err
			}
		}
		if f.Collides != "" {
			if err := collide(c, id, f.Collides); err != nil {
				return 0, err
			}
		}
		if f.Conflict != nil {
			if err := saveConflict(c, id, f.Conflict); err != nil {
				return 0, err
			}
		}
		if f.Unpublished {
			if err := unpublish(c, id); err != nil {
				return 0, err
			}
		}
		if err := noteFailure(c, id, &f, aside); err != nil {
			return 0, err
		}
		return c.exec(`UPDATE intents SET phase = CASE WHEN ? IN ('', 'planned') OR phase IN ('delivered', 'cancelled') THEN phase ELSE ? END,
				last_error = ?, failed_at = ?, next_attempt = ?, attempts = attempts + ?,
				started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END,
				failures = failures * ? + ?, mismatches = mismatches + ?, failing_for = failing_for * ? + ?
			WHERE id = ?`,
			aside, aside, f.Err, f.At, f.Next, begun.n, begun.first, one(!f.Further), one(f.Own), one(f.Mismatch), one(!f.Further), int64(f.Spent), id)
	})
	return err
}

// unpublish takes T2 back.
func unpublish(c *conn, id string) error {
	_, err := c.exec(`UPDATE intents SET phase = 'planned', sha256 = NULL, evidence = '', command = '', remote_mtime = 0,
		host_key = '', spared = 0 WHERE id = ? AND phase = 'committing'`, id)
	return err
}

// one counts what is true.
func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// renewTemp gives an intent another temp, if it is not going to stay committing.
func renewTemp(c *conn, id, temp, aside string) error {
	const mine = " WHERE id = ? AND temp NOT IN ('', ?) AND (phase = 'planned' OR (phase = 'committing' AND ? <> ''))"
	// The intent's own id is for the temp that it has when it ends.
	_, err := c.exec("INSERT OR REPLACE INTO sweeps SELECT id || ' ' || temp, destination, temp FROM intents"+mine, id, temp, aside)
	if err != nil {
		return err
	}
	_, err = c.exec("DELETE FROM checkpoints WHERE intent IN (SELECT id FROM intents"+mine+")", id, temp, aside)
	if err != nil {
		return err
	}
	_, err = c.exec("UPDATE intents SET temp = ?, patched = 0"+mine, temp, id, temp, aside)
	return err
}

// Drop removes an intent that is planned, held or parked, and queues its temp to be swept. What waits for its name is released. It
// returns false for an intent of another phase and for none.
func (s *Store) Drop(ctx context.Context, id string) (bool, error) {
	return s.settle(ctx, "drop", id, s.attempts.of(id), func(c *conn) (int64, error) {
		r, found, err := c.one("SELECT destination, phase, final FROM intents WHERE id = ?", id)
		if err != nil || !found || r.text(1) == string(Cancelled) {
			return 0, err
		}
		destination, final := r.text(0), r.text(2)
		if err := disownFinals(c, " WHERE id = ? AND phase IN ('held', 'parked')", id); err != nil {
			return 0, err
		}
		n, err := abandon(c, id)
		if err == nil && n > 0 {
			err = s.folds.free(c, destination, final)
		}
		return n, err
	})
}

// Release sets a held or parked intent free: it is planned again and due at once, with its failures forgiven and its
// last error kept. It returns false for an intent of another phase and for none.
func (s *Store) Release(ctx context.Context, id string) (bool, error) {
	return s.settle(ctx, "release", id, begun{}, func(c *conn) (int64, error) {
		return c.exec("UPDATE intents SET "+released+" WHERE id = ? AND phase IN ('held', 'parked')", id)
	})
}

// settle writes one change of one intent, and tells whether it found the intent in a phase that allows it. The
// attempts that were begun are on record then.
func (s *Store) settle(ctx context.Context, op, id string, b begun, change func(*conn) (int64, error)) (bool, error) {
	var changed int64
	err := s.write(ctx, op+" "+id, func(c *conn) (err error) {
		changed, err = change(c)
		return err
	})
	if err == nil {
		s.attempts.settled(id, b)
	}
	return changed > 0 && err == nil, err
}

// abandon removes an intent that nobody has seen anything of but part of a file, and queues its temp to be swept, or what it
// has left under its final name.
func abandon(c *conn, id string) (int64, error) {
	const which = " WHERE id = ? AND phase IN ('planned', 'held', 'parked', 'cancelled')"
	const open = " FROM intents" + which
	if err := sweepFinals(c, which, id); err != nil {
		return 0, err
	}
	if _, err := c.exec("INSERT OR REPLACE INTO sweeps SELECT id, destination, temp"+open+" AND temp <> ''", id); err != nil {
		return 0, err
	}
	return c.exec("DELETE"+open, id)
}

// Intent returns the intent with the id, if there is one.
func (s *Store) Intent(ctx context.Context, id string) (Intent, bool, error) {
	var found []Intent
	err := s.read(ctx, "intent "+id, func(c *conn) (err error) {
		found, err = intents(c, selectIntent+"WHERE id = ?", id)
		return err
	})
	if err != nil || len(found) == 0 {
		return Intent{}, false, err
	}
	return found[0], true, nil
}

// Intents returns the intents of a folder and a destination, "" for all, in any of the phases, none for all, in the
// order in which they were planned, and at most limit of them where that is above 0.
func (s *Store) Intents(ctx context.Context, folder, destination string, limit int, phases ...Phase) ([]Intent, error) {
	query, args := selectIntent+"WHERE 1", []any(nil)
	if folder != "" {
		query, args = query+" AND folder = ?", append(args, folder)
	}
	if destination != "" {
		query, args = query+" AND destination = ?", append(args, destination)
	}
	for i, p := range phases {
		query, args = query+[]string{" AND phase IN (?", ", ?"}[min(i, 1)], append(args, p)
	}
	if len(phases) > 0 {
		query += ")"
	}
	var found []Intent
	err := s.read(ctx, "intents", func(c *conn) (err error) {
		found, err = intents(c, query+" ORDER BY seq LIMIT ?", append(args, unlimited(limit))...)
		return err
	})
	return found, err
}

// unlimited turns a limit for which 0 is none into one of SQL.
func unlimited(limit int) int {
	if limit <= 0 {
		return -1
	}
	return limit
}

const intentColumns = `seq, id, version, folder, destination, path, size, mtime, ctime, dev, ino, reason, final,
	temp, archive, ready_at, phase, sha256, evidence, command, remote_mtime, host_key, attempts, failures,
	mismatches, failed_at, failing_for, next_attempt, last_error, started_at, source, overwrite, moved_from,
	patched, spared, seen_at, settled_at`

const selectIntent = "SELECT " + intentColumns + " FROM intents "

// Columns of selectIntent that are looked at before the rest.
const (
	intentID   = 1
	intentPath = 5
)

func (r row) intent() Intent {
	i := Intent{
		ID:          r.text(intentID),
		Version:     r.text(2),
		Route:       Route{Folder: r.text(3), Destination: r.text(4)},
		Path:        r.path(intentPath),
		Fingerprint: r.fingerprint(6),
		Reason:      r.text(11),
		Final:       r.text(12),
		Temp:        r.text(13),
		Archive:     r.text(14),
		ReadyAt:     r.time(15),
		Phase:       Phase(r.text(16)),
		Proof:       r.proof(17),
		Attempts:    int(r.int(22)),
		Failures:    int(r.int(23)),
		Mismatches:  int(r.int(24)),
		FailedAt:    r.time(25),
		FailingFor:  time.Duration(r.int(26)),
		NextAttempt: r.time(27),
		LastError:   r.text(28),
		StartedAt:   r.time(29),
		Source:      r.text(30),
		Overwrite:   r.bool(31),
		MovedFrom:   r.path(32),
		Patched:     r.bool(33),
		SeenAt:      r.time(35),
		SettledAt:   r.time(36),
	}
	i.Proof.Spared = r.int(34)
	return i
}

func (r row) proof(i int) Proof {
	return Proof{
		SHA256:        r.blob(i),
		Evidence:      r.text(i + 1),
		Command:       r.text(i + 2),
		RemoteModTime: r.time(i + 3),
		HostKey:       r.text(i + 4),
	}
}

// intents returns what a query that starts with selectIntent finds.
func intents(c *conn, query string, args ...any) ([]Intent, error) {
	var found []Intent
	err := c.each(func(r row) error {
		found = append(found, r.intent())
		return nil
	}, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read intents: %w", err)
	}
	return found, nil
}
