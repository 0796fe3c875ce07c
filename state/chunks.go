package state

import (
	"context"
	"slices"
	"time"
)

// LeastIndexed is the size in bytes from which files have an index of what they consist of.
const LeastIndexed = 1 << 20

const (
	// indexesKept is how many bytes all indexes take, at most: they are in each copy of the store, too. The oldest go first.
	indexesKept = 128 << 20
	// indexStay is for how long one stays at least that nothing known refers to. It is written before the receipt is.
	indexStay = time.Hour
	// longestStay bounds for how long one is kept that nothing known refers to.
	longestStay = 30 * 24 * time.Hour
)

// SaveIndex keeps the index of a content, which is shared by all that have it. One that nothing known refers to stays until a
// moment, and for an hour in any case. That of another content, which this one takes the place of, stays no longer; nil is none.
func (s *Store) SaveIndex(ctx context.Context, sum, data []byte, at, until time.Time, replaces []byte) error {
	if least := at.Add(indexStay); until.Before(least) {
		until = least
	}
	return s.write(ctx, "save an index", func(c *conn) error {
		_, err := c.exec(`INSERT INTO chunks (sha256, bytes, saved, until, data) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (sha256) DO UPDATE SET saved = excluded.saved, until = max(until, excluded.until)`, sum, len(data), at, until, data)
		if err == nil && replaces != nil && !slices.Equal(replaces, sum) {
			_, err = c.exec("UPDATE chunks SET until = min(until, ?) WHERE sha256 = ?", at, replaces)
		}
		return err
	})
}

// Index returns the index of a content, if there is one.
func (s *Store) Index(ctx context.Context, sum []byte) (data []byte, found bool, err error) {
	err = s.read(ctx, "index", func(c *conn) error {
		r, ok, err := c.one("SELECT data FROM chunks WHERE sha256 = ?", sum)
		if found = ok && err == nil; found {
			data = r.blob(0)
		}
		return err
	})
	return data, found, err
}

// indexed is an index without what it says.
type indexed struct {
	sum          []byte
	bytes        int64
	saved, until time.Time
}

// PruneIndexes removes the indexes that nothing known refers to any more, and the oldest where all of them take more room than
// they should, and returns how many. What is sent whole for a while and has been for long enough is forgotten, too. It looks
// at the large files of what is known, not at all of it.
func (s *Store) PruneIndexes(ctx context.Context, now time.Time) (int, error) {
	return s.pruneIndexes(ctx, now, indexesKept)
}

func (s *Store) pruneIndexes(ctx context.Context, now time.Time, most int64) (int, error) {
	var all []indexed
	known := map[string]bool{}
	err := s.read(ctx, "indexes", func(c *conn) error {
		all = nil
		err := c.each(func(r row) error {
			all = append(all, indexed{sum: r.blob(0), bytes: r.int(1), saved: r.time(2), until: r.time(3)})
			return nil
		}, "SELECT sha256, bytes, saved, until FROM chunks ORDER BY saved DESC")
		if err != nil || len(all) == 0 {
			return err
		}
		return c.each(func(r row) error {
			known[string(r.blob(0))] = true
			return nil
		}, `SELECT DISTINCT k.sha256 FROM counts AS n CROSS JOIN known AS k INDEXED BY known_size
			ON k.folder = n.folder AND k.destination = n.destination AND k.size >= ?`, LeastIndexed)
	})
	if err != nil {
		return 0, err
	}
	gone := prunable(all, known, now, most)
	removed := 0
	err = s.write(ctx, "prune indexes", func(c *conn) error {
		removed = 0
		for _, x := range gone {
			n, err := c.exec("DELETE FROM chunks WHERE sha256 = ? AND saved = ?", x.sum, x.saved) // else it was saved anew
			if err != nil {
				return err
			}
			removed += int(n)
		}
		_, err := c.exec("DELETE FROM whole WHERE until <= ?", now)
		return err
	})
	return removed, err
}

// prunable returns which of the indexes go, of which the newest come first.
func prunable(all []indexed, known map[string]bool, now time.Time, most int64) (gone []indexed) {
	var bytes int64
	for _, x := range all {
		stays := known[string(x.sum)] || x.until.After(now) && x.until.Before(now.Add(longestStay)) // else a clock was put back
		if stays {
			bytes += x.bytes
		}
		if !stays || bytes > most {
			gone = append(gone, x)
		}
	}
	return gone
}
