package state

import (
	"context"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// An upload without a temp shows what it has written so far under the final name. Whoever finds it there after a crash
// has to know that it is ours, and not somebody's file. Where the upload is given up, what it has left is queued to be swept,
// and the record stays until that is done, or until somebody else goes on there.

// sweptFinal begins the id of what was left under a final name in the queue of what is to be swept.
const sweptFinal = "final "

// SweepOfFinal returns what an intent may have left under its final name.
func SweepOfFinal(i *Intent) Sweep {
	return Sweep{ID: sweptFinal + i.ID, Destination: i.Destination, Temp: i.Final}
}

// IsFinal tells whether Temp is a final name: what stands there is swept only as long as it is an unfinished upload's, since
// anybody may put something there.
func (s *Sweep) IsFinal() bool { return strings.HasPrefix(s.ID, sweptFinal) }

// Intent returns the id of the intent that made it; "" where none did.
func (s *Sweep) Intent() string {
	id, _, _ := strings.Cut(strings.TrimPrefix(s.ID, sweptFinal), " ")
	return id
}

// sweepFinals queues what intents that are given up have left under their final names. What was about to be published may
// be whole and taken there: it is no longer ours.
func sweepFinals(c *conn, condition string, args ...any) error {
	const left = " AND (destination, final) IN (SELECT destination, remote_path FROM unfinished)"
	_, err := c.exec("INSERT OR REPLACE INTO sweeps SELECT '"+sweptFinal+"' || id, destination, final FROM intents"+condition+
		" AND sha256 IS NULL"+left, args...)
	return err
}

// disownFinals forgets that something under the final names of intents is ours, where it was about to be published: it must
// not pass for part of a file later.
func disownFinals(c *conn, condition string, args ...any) error {
	_, err := c.exec("DELETE FROM unfinished WHERE (destination, remote_path) IN (SELECT destination, final FROM intents"+condition+
		" AND temp = '' AND sha256 IS NOT NULL)", args...)
	return err
}

// SaveUnfinished records that a file of a size is about to be written at a remote path. It lasts until a delivery to that
// path is in the ledger, or ClearUnfinished.
func (s *Store) SaveUnfinished(ctx context.Context, destination, remotePath string, size int64) error {
	return s.write(ctx, "unfinished "+remotePath, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO unfinished VALUES (?, ?, ?)", destination, remotePath, size)
		return err
	})
}

// ClearUnfinished records that nothing of ours is left at a remote path.
func (s *Store) ClearUnfinished(ctx context.Context, destination, remotePath string) error {
	return s.write(ctx, "unfinished "+remotePath, func(c *conn) error {
		_, err := c.exec("DELETE FROM unfinished WHERE destination = ? AND remote_path = ?", destination, remotePath)
		return err
	})
}

// Unfinished returns the size of the file that was being written at a remote path, if one was.
func (s *Store) Unfinished(ctx context.Context, destination, remotePath string) (size int64, found bool, err error) {
	err = s.read(ctx, "unfinished "+remotePath, func(c *conn) error {
		r, ok, err := c.one("SELECT size FROM unfinished WHERE destination = ? AND remote_path = ?", destination, remotePath)
		if ok && err == nil {
			size, found = r.int(0), true
		}
		return err
	})
	return size, found, err
}

// KnownUnder returns what is known to be under a remote path, if anything is. It looks through all that is known.
func (s *Store) KnownUnder(ctx context.Context, destination, remotePath string) (k Known, found bool, err error) {
	err = s.read(ctx, "known under "+remotePath, func(c *conn) error {
		var folder string
		var p file.Path
		r, ok, err := c.one("SELECT folder, path FROM known WHERE destination = ? AND remote_path = ? LIMIT 1", destination, remotePath)
		if err != nil || !ok {
			return err
		}
		folder, p = r.text(0), r.path(1)
		r, found, err = c.one(selectKnown+"WHERE folder = ? AND path = ? AND destination = ?", folder, p, destination)
		if found && err == nil {
			k = r.known(folder)
		}
		return err
	})
	return k, found && err == nil, err
}
