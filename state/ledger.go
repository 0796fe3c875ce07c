package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Deliver is what is recorded of a publication (T3).
type Deliver struct {
	At          time.Time
	Keep        bool             // the source is not taken away, so the intent has nothing left to do
	Racy        bool             // Fingerprint may hide a later change
	Fingerprint file.Fingerprint // of the local file whose content is published
	Proof       Proof            // zero: as Commit recorded it
	Attempts    int              // for the receipt; 0: as many as are on record
}

// Deliver records in one transaction that the committing intent has been published: a receipt in the ledger, the file
// as known and owned on its route, and the intent as delivered, or as done where the source is kept. It returns true
// where that has been recorded, now or earlier, and false where the intent is not committing.
func (s *Store) Deliver(ctx context.Context, id string, d Deliver) (bool, error) {
	begun := s.attempts.of(id)
	return s.settle(ctx, "deliver", id, begun, func(c *conn) (int64, error) {
		d := d // the transaction may be run again
		if err := d.complete(c, id); err != nil {
			return 0, err
		}
		n, err := addReceipt(c, id, d, begun)
		if err != nil {
			return 0, err
		}
		if n == 0 {
			_, recorded, err := c.one("SELECT 1 FROM deliveries WHERE id = ?", id)
			if recorded {
				n = 1
			}
			return n, err
		}
		going, err := s.folds.going(c, `(folder, destination, path) IN (SELECT folder, destination, path FROM intents WHERE id = ?1
			UNION ALL SELECT folder, destination, moved_from FROM intents WHERE id = ?1 AND moved_from <> '')
			AND remote_path <> (SELECT final FROM intents WHERE id = ?1)`, id)
		if err != nil {
			return 0, err
		}
		if err := knowDelivered(c, id, d); err != nil {
			return 0, err
		}
		if err := forgetMoved(c, id); err != nil {
			return 0, err
		}
		if err := s.folds.replaced(c, id); err != nil {
			return 0, err
		}
		if err := s.folds.freeAll(c, going); err != nil {
			return 0, err
		}
		return n, finish(c, id, d, begun)
	})
}

// complete takes the proof that Commit has recorded where there is no other.
func (d *Deliver) complete(c *conn, id string) error {
	if d.Proof.Evidence != "" || d.Proof.SHA256 != nil {
		return nil
	}
	r, ok, err := c.one("SELECT sha256, evidence, command, remote_mtime, host_key, spared FROM intents WHERE id = ?", id)
	if ok && err == nil {
		d.Proof = r.proof(0)
		d.Proof.Spared = r.int(5)
	}
	return err
}

// addReceipt returns 0 where the intent is not committing.
func addReceipt(c *conn, id string, d Deliver, b begun) (int64, error) {
	first := b.first
	if first.IsZero() {
		first = d.At
	}
	return c.exec(`INSERT OR FAIL INTO deliveries (id, folder, destination, path, remote_path, size, sha256, evidence, command,
			remote_mtime, host_key, attempts, started_at, delivered_at, spared, ready_at, seen_at, settled_at)
		SELECT id, folder, destination, path, final, ?, ?, ?, ?, ?, ?, CASE ? WHEN 0 THEN attempts + ? ELSE ? END,
			CASE started_at WHEN 0 THEN ? ELSE started_at END, ?, ?, ready_at, seen_at, settled_at
		FROM intents WHERE id = ? AND phase = 'committing'`,
		d.Fingerprint.Size, d.Proof.SHA256, d.Proof.Evidence, d.Proof.Command, d.Proof.RemoteModTime, d.Proof.HostKey,
		d.Attempts, b.n, d.Attempts, first, d.At, d.Proof.Spared, id)
}

// finish moves the published intent on, or removes it where nothing is left to do. Its proof becomes that of the
// receipt, which decides whether the source may be deleted.
func finish(c *conn, id string, d Deliver, b begun) error {
	if d.Keep {
		_, err := c.exec("DELETE FROM intents WHERE id = ?", id)
		return err
	}
	_, err := c.exec(`UPDATE intents SET phase = 'delivered', next_attempt = 0, last_error = '', attempts = attempts + ?,
			started_at = CASE started_at WHEN 0 THEN ? ELSE started_at END,
			sha256 = ?, evidence = ?, command = ?, remote_mtime = ?, host_key = ?
		WHERE id = ?`, b.n, b.first, d.Proof.SHA256, d.Proof.Evidence, d.Proof.Command, d.Proof.RemoteModTime,
		d.Proof.HostKey, id)
	return err
}

const selectDelivery = `SELECT seq, id, folder, destination, path, remote_path, size, sha256, evidence, command,
	remote_mtime, host_key, attempts, started_at, delivered_at, ready_at, spared, seen_at, settled_at FROM deliveries `

func (r row) delivery() Delivery {
	d := Delivery{
		Seq:         r.int(0),
		ID:          r.text(1),
		Route:       Route{Folder: r.text(2), Destination: r.text(3)},
		Path:        r.path(4),
		RemotePath:  r.text(5),
		Size:        r.int(6),
		Proof:       r.proof(7),
		Attempts:    int(r.int(12)),
		StartedAt:   r.time(13),
		DeliveredAt: r.time(14),
		ReadyAt:     r.time(15),
		SeenAt:      r.time(17),
		SettledAt:   r.time(18),
	}
	d.Proof.Spared = r.int(16)
	return d
}

// LastPublished returns the newest receipt for a name at a destination, if there is one, under the names that its route
// has now.
func (s *Store) LastPublished(ctx context.Context, destination, remotePath string) (Delivery, bool, error) {
	var (
		d     Delivery
		found bool
	)
	err := s.read(ctx, "last published", func(c *conn) error {
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		found = false
		for _, at := range past.spans(DestinationName, destination) {
			r, ok, err := c.one(selectDelivery+"WHERE destination = ? AND remote_path = ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
				at.name, remotePath, at.after, at.upto)
			if ok && err == nil {
				d, found = past.now(r.delivery()), true
			}
			if found || err != nil {
				return err
			}
		}
		return nil
	})
	return d, found, err
}

// ErrNotOnRecord is the error for a Filter whose Before is not on record.
var ErrNotOnRecord = errors.New("it is not on record")

// History returns the receipts that the filter selects, the newest first, each with the names of its time. A folder or
// destination that was renamed is found with all its receipts, by its name now.
func (s *Store) History(ctx context.Context, f Filter) ([]Delivery, error) {
	var found []Delivery
	err := s.read(ctx, "history", func(c *conn) error {
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		before, err := orderOf(c, "delivered_at, seq FROM deliveries", f.Before)
		if err != nil {
			return err
		}
		query, args := history(f, past, before)
		found = nil
		n := 0
		err = c.each(func(r row) error {
			if n++; n%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if f.Match != nil && !f.Match(r.path(4)) {
				return nil
			}
			if found = append(found, r.delivery()); f.Match != nil && len(found) == f.Limit {
				return errEnough
			}
			return nil
		}, query, args...)
		if errors.Is(err, errEnough) {
			err = nil
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// orderOf returns the two columns that say where a record stands among the others; nil where no id is given.
func orderOf(c *conn, columns, id string) ([]any, error) {
	if id == "" {
		return nil, nil
	}
	r, found, err := c.one("SELECT "+columns+" WHERE id = ?", id)
	if err == nil && !found {
		err = fmt.Errorf("%q: %w", id, ErrNotOnRecord)
	}
	if err != nil {
		return nil, err
	}
	return []any{r.int(0), r.int(1)}, nil
}

// history makes the query for a filter. One file's receipts are found by its path and sorted, all others are read in
// the order of time; the "+" keeps SQLite from sorting half the ledger because a folder has an index.
func history(f Filter, past renamings, before []any) (string, []any) {
	query, args := selectDelivery+"WHERE delivered_at >= ?", []any{f.Since}
	plus := "+"
	if f.Path != "" && f.Folder != "" {
		plus = ""
		query = selectDelivery + "WHERE +delivered_at >= ?"
	}
	if before != nil {
		query, args = query+" AND (delivered_at, seq) < (?, ?)", append(args, before...)
	}
	if f.Folder != "" {
		where, names := called(plus+"folder", past.spans(FolderName, f.Folder))
		query, args = query+" AND "+where, append(args, names...)
	}
	if f.Path != "" {
		query, args = query+" AND "+plus+"path = ?", append(args, f.Path)
	}
	if f.Destination != "" {
		where, names := called("+destination", past.spans(DestinationName, f.Destination))
		query, args = query+" AND "+where, append(args, names...)
	}
	limit := f.Limit
	if f.Match != nil { // who is asked of each of them counts
		limit = 0
	}
	return query + " ORDER BY delivered_at DESC, seq DESC LIMIT ?", append(args, unlimited(limit))
}
