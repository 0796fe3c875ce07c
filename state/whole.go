package state

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Whole is why a file is sent whole for a while, whatever of it has changed.
type Whole struct {
	Until  time.Time
	Reason string
}

// SendWhole has a file sent whole on a route for a while.
func (s *Store) SendWhole(ctx context.Context, route Route, p file.Path, w Whole) error {
	return s.write(ctx, "send whole "+string(p), func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO whole (folder, path, destination, until, reason) VALUES (?, ?, ?, ?, ?)",
			route.Folder, p, route.Destination, w.Until, w.Reason)
		return err
	})
}

// Whole returns why a file is sent whole on a route at a moment, if it is.
func (s *Store) Whole(ctx context.Context, route Route, p file.Path, now time.Time) (w Whole, is bool, err error) {
	err = s.read(ctx, "whole", func(c *conn) error {
		r, ok, err := c.one("SELECT until, reason FROM whole WHERE folder = ? AND path = ? AND destination = ? AND until > ?",
			route.Folder, p, route.Destination, now)
		if is = ok && err == nil; is {
			w = Whole{Until: r.time(0), Reason: r.text(1)}
		}
		return err
	})
	return w, is, err
}

// Retemp gives a planned intent the temp that it is to go on with, before that is made, and says whether the server is going to be
// asked to copy to it. Another temp than the one that it has so far is one that was never used; the old one is queued to be
// swept, and its checkpoint forgotten. It returns false where the intent is not planned.
func (s *Store) Retemp(ctx context.Context, id, temp string, patched bool) (bool, error) {
	return s.settle(ctx, "give a temp to", id, begun{}, func(c *conn) (int64, error) {
		if _, planned, err := c.one("SELECT 1 FROM intents WHERE id = ? AND phase = 'planned' AND temp <> ''", id); err != nil || !planned {
			return 0, err
		}
		if err := renewTemp(c, id, temp, ""); err != nil {
			return 0, err
		}
		return c.exec("UPDATE intents SET patched = ? WHERE id = ?", one(patched), id)
	})
}
