package state

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Pause is what a person has stopped: a folder, a destination or a route, or one intent. No delivery begins there; one under
// way ends.
type Pause struct {
	Route  // an empty name stands for all
	Since  time.Time
	Intent string    // its id; "" where it is not one alone
	Path   file.Path // of the intent, as is the next
	Phase  Phase
}

// Covers tells whether the pause binds a route.
func (p Pause) Covers(r Route) bool {
	return p.Intent == "" && (p.Folder == "" || p.Folder == r.Folder) && (p.Destination == "" || p.Destination == r.Destination)
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

// PauseIntent stores a pause of an intent that is planned, held or parked. One that is there already keeps its time, which
// is returned, with false; so does an intent of another phase, with a zero time. The pause ends with the intent. One that was
// under way and is committing by now is not bound by it: whether it is visible has to be found out.
func (s *Store) PauseIntent(ctx context.Context, id string, at time.Time) (since time.Time, added bool, err error) {
	err = s.write(ctx, "pause "+id, func(c *conn) error {
		n, err := c.exec(`INSERT OR IGNORE INTO paused
			SELECT id, ? FROM intents WHERE id = ? AND phase IN ('planned', 'held', 'parked')`, at, id)
		if err != nil {
			return err
		}
		r, found, err := c.one("SELECT since FROM paused WHERE intent = ?", id)
		if since, added = (time.Time{}), n > 0; found && err == nil {
			since = r.time(0)
		}
		return err
	})
	return since, added, err
}

// ResumeIntent ends the pause of an intent. It returns false where it has none of its own.
func (s *Store) ResumeIntent(ctx context.Context, id string) (bool, error) {
	var n int64
	err := s.write(ctx, "resume "+id, func(c *conn) (err error) {
		n, err = c.exec("DELETE FROM paused WHERE intent = ?", id)
		return err
	})
	return n > 0 && err == nil, err
}

// Pauses returns all pauses: those of routes by folder and destination, and then those of intents. That of one which has ended
// is over, though its row may stay for as long as other routes of the file need it, or until a cancelled file changes.
func (s *Store) Pauses(ctx context.Context) ([]Pause, error) {
	var all []Pause
	err := s.read(ctx, "pauses", func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Pause{Route{Folder: r.text(0), Destination: r.text(1)}, r.time(2), r.text(3), r.path(4), Phase(r.text(5))})
			return nil
		}, `SELECT folder, destination, since, '', '', '' FROM pauses UNION ALL
			SELECT i.folder, i.destination, p.since, i.id, i.path, i.phase FROM paused AS p JOIN intents AS i ON i.id = p.intent
			WHERE i.phase NOT IN ('delivered', 'cancelled') ORDER BY 4, 1, 2`)
	})
	return all, err
}

// PausedAt returns the ids of the intents of a destination that are paused by themselves, and bound by that.
func (s *Store) PausedAt(ctx context.Context, destination string) ([]string, error) {
	var ids []string
	err := s.read(ctx, "paused at "+destination, func(c *conn) error {
		ids = nil
		return c.each(func(r row) error {
			ids = append(ids, r.text(0))
			return nil
		}, "SELECT p.intent FROM paused AS p CROSS JOIN intents AS i ON i.id = p.intent WHERE i.destination = ?"+bound, destination)
	})
	return ids, err
}

// MayBegin tells whether no pause covers an intent or its route.
func (s *Store) MayBegin(ctx context.Context, id string, route Route) (bool, error) {
	stopped := false
	err := s.read(ctx, "paused", func(c *conn) (err error) {
		_, stopped, err = c.one(selectStopped+" UNION ALL SELECT 1 FROM paused AS p JOIN intents AS i ON i.id = p.intent WHERE i.id = ?"+bound+" LIMIT 1",
			route.Folder, route.Destination, id)
		return err
	})
	return !stopped && err == nil, err
}

// bound leaves out intents that go on in spite of a pause of their own.
const bound = " AND i.phase <> 'committing'"

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
