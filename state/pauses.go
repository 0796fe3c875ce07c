package state

import (
	"context"
	"time"
)

// Pause is what a person has stopped: a folder, a destination or a route. No delivery begins there; one under way ends.
type Pause struct {
	Route // an empty name stands for all
	Since time.Time
}

// Covers tells whether the pause binds a route.
func (p Pause) Covers(r Route) bool {
	return (p.Folder == "" || p.Folder == r.Folder) && (p.Destination == "" || p.Destination == r.Destination)
}

// Pause stores a pause. One that is there already keeps its time, which is returned, with false.
func (s *Store) Pause(ctx context.Context, what Route, at time.Time) (since time.Time, added bool, err error) {
	err = s.write(ctx, "pause", func(c *conn) error {
		n, err := c.exec("INSERT OR IGNORE INTO pauses (folder, destination, since) VALUES (?, ?, ?)", what.Folder, what.Destination, at)
		if err != nil {
			return err
		}
		r, _, err := c.one("SELECT since FROM pauses WHERE folder = ? AND destination = ?", what.Folder, what.Destination)
		if err == nil {
			since, added = r.time(0), n > 0
		}
		return err
	})
	return since, added, err
}

// Resume ends exactly this pause. It returns false where there is none: others may still cover the same routes.
func (s *Store) Resume(ctx context.Context, what Route) (bool, error) {
	var n int64
	err := s.write(ctx, "resume", func(c *conn) (err error) {
		n, err = c.exec("DELETE FROM pauses WHERE folder = ? AND destination = ?", what.Folder, what.Destination)
		return err
	})
	return n > 0 && err == nil, err
}

// Pauses returns all pauses, by folder and destination.
func (s *Store) Pauses(ctx context.Context) ([]Pause, error) {
	var all []Pause
	err := s.read(ctx, "pauses", func(c *conn) error {
		return c.each(func(r row) error {
			all = append(all, Pause{Route{Folder: r.text(0), Destination: r.text(1)}, r.time(2)})
			return nil
		}, "SELECT folder, destination, since FROM pauses ORDER BY folder, destination")
	})
	return all, err
}

const selectStopped = "SELECT 1 FROM stopped WHERE folder IN ('', ?) AND destination IN ('', ?)"

// Paused tells whether a pause covers the route.
func (s *Store) Paused(ctx context.Context, route Route) (bool, error) {
	paused := false
	err := s.read(ctx, "paused", func(c *conn) (err error) {
		_, paused, err = c.one(selectStopped, route.Folder, route.Destination)
		return err
	})
	return paused && err == nil, err
}
