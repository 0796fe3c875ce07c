package state

import (
	"context"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Absent is a file or a directory that a scan did not find in its folder, and that is known at a destination.
type Absent struct {
	Path file.Path
	Dir  bool
}

// NoteMissing notes what a scan under way has not found. It counts once the scan turns out to be complete: see
// ConfirmMissing. scan is the scan's own id.
func (s *Store) NoteMissing(ctx context.Context, folder, scan string, all []Absent) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, "note what is missing in "+folder, func(c *conn) error {
		for i := range all {
			a := &all[i]
			_, err := c.exec(`INSERT INTO missing (folder, path, dir, since, scan) VALUES (?, ?, ?, 0, ?)
				ON CONFLICT (folder, path, dir) DO UPDATE SET scan = excluded.scan`, folder, a.Path, a.Dir, scan)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ConfirmMissing ends a scan. What it did not miss is missing no more. With complete, what it has missed is missing since
// at, or since an earlier complete scan has missed it; a scan that was not complete makes nothing missing.
func (s *Store) ConfirmMissing(ctx context.Context, folder, scan string, at time.Time, complete bool) error {
	return s.write(ctx, "confirm what is missing in "+folder, func(c *conn) error {
		if _, err := c.exec("DELETE FROM missing WHERE folder = ? AND scan <> ?", folder, scan); err != nil || !complete {
			return err
		}
		// A time to come was written by a clock that has been put back since.
		_, err := c.exec("UPDATE missing SET since = ?1 WHERE folder = ?2 AND (since = 0 OR since > ?1)", at, folder)
		return err
	})
}

// SeenAgain takes note that files are in the folder. It returns how many were missing.
func (s *Store) SeenAgain(ctx context.Context, folder string, paths []file.Path) (int, error) {
	var n int64
	err := s.write(ctx, "seen again in "+folder, func(c *conn) error {
		n = 0
		for _, p := range paths {
			one, err := c.exec("DELETE FROM missing WHERE folder = ? AND path = ?", folder, p)
			if err != nil {
				return err
			}
			n += one
		}
		return nil
	})
	return int(n), err
}

// ForgetMissing forgets what is missing in a folder: nobody is going to ask, and what is noted grows old.
func (s *Store) ForgetMissing(ctx context.Context, folder string) error {
	return s.write(ctx, "forget what is missing in "+folder, func(c *conn) error {
		_, err := c.exec("DELETE FROM missing WHERE folder = ?", folder)
		return err
	})
}

// MissingSince returns since when complete scans have not found a file or directory; false where the last one did not miss
// it.
func (s *Store) MissingSince(ctx context.Context, folder string, p file.Path, dir bool) (time.Time, bool, error) {
	var since time.Time
	found := false
	err := s.read(ctx, "missing since", func(c *conn) error {
		r, ok, err := c.one("SELECT since FROM missing WHERE folder = ? AND path = ? AND dir = ? AND since > 0", folder, p, dir)
		if found = ok && err == nil; found {
			since = r.time(0)
		}
		return err
	})
	return since, found, err
}

// Missing is how much of a folder is missing that is ours at a destination, and for which nothing is planned yet.
type Missing struct {
	Files    int         // all of them
	Ripe     int         // of Files, those that are missing long enough
	Next     time.Time   // when the next one has been noted that is not ripe; zero: there is none
	Examples []file.Path // the first few
}

// ownedMissing are known files of ours that are missing, with nothing planned for them; its arguments are the folder and
// the destinations. A file that is about to get another name there is not one that is to be removed.
func ownedMissing(columns string, destinations []string) (query string, args []any) {
	query = "SELECT " + columns + ` FROM missing AS m JOIN known AS k ON k.folder = m.folder AND k.path = m.path
		WHERE m.folder = ?1 AND m.dir = 0 AND m.since > 0 AND k.owned = 1 AND k.destination IN (?2` +
		strings.Repeat(", ?", len(destinations)-1) + `)
		AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.folder = k.folder AND o.destination = k.destination
			AND o.path = k.path AND o.step = 'delete')
		AND NOT EXISTS (SELECT 1 FROM intents AS i WHERE i.folder = k.folder AND i.moved_from = k.path
			AND i.destination = k.destination AND i.moved_from <> '')`
	for _, d := range destinations {
		args = append(args, d)
	}
	return query, args
}

// missingExamples is how many files are named of those that are missing.
const missingExamples = 3

// CountMissing counts what is missing of a folder's files at these destinations, and what of it was noted not after
// before.
func (s *Store) CountMissing(ctx context.Context, folder string, destinations []string, before time.Time) (Missing, error) {
	var m Missing
	if len(destinations) == 0 {
		return m, nil
	}
	err := s.read(ctx, "count what is missing in "+folder, func(c *conn) error {
		m = Missing{}
		query, args := ownedMissing("m.path, m.since", destinations)
		last := file.Path("")
		return c.each(func(r row) error {
			p, since := r.path(0), r.time(1)
			if m.Files > 0 && p == last { // at another destination
				return nil
			}
			last = p
			m.Files++
			if len(m.Examples) < missingExamples {
				m.Examples = append(m.Examples, p)
			}
			switch {
			case !since.After(before):
				m.Ripe++
			case m.Next.IsZero() || since.Before(m.Next):
				m.Next = since
			}
			return nil
		}, query+" ORDER BY m.path", append([]any{folder}, args...)...)
	})
	return m, err
}

// RipeFiles returns known files of ours that are missing since before or longer, at these destinations, with nothing planned
// for them and nothing under way; those whose path is beyond after, and at most limit of them.
func (s *Store) RipeFiles(ctx context.Context, folder string, destinations []string, before time.Time, after file.Path, limit int) ([]Known, error) {
	var all []Known
	if len(destinations) == 0 {
		return nil, nil
	}
	query, args := ownedMissing("k.path, k.destination, k.size, k.mtime, k.ctime, k.dev, k.ino, k.racy, k.sha256, k.remote_path, k.owned", destinations)
	err := s.read(ctx, "what is missing in "+folder, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.known(folder))
			return nil
		}, query+` AND m.since <= ? AND m.path > ? AND NOT EXISTS (SELECT 1 FROM intents AS i WHERE i.folder = k.folder AND i.path = k.path
				AND i.destination = k.destination AND i.source = '' AND i.phase NOT IN ('delivered', 'cancelled'))
			ORDER BY m.path, k.destination LIMIT ?`, append(append([]any{folder}, args...), before, after, limit)...)
	})
	return all, err
}
