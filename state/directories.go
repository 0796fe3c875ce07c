package state

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Dir is a directory that may stand at a destination, and that no known file there speaks for: it is empty in the folder,
// or has left it.
type Dir struct {
	Route
	Path       file.Path
	RemotePath string
	Dev        uint64 // that the directory above it lay on in the folder; 0 where that is not known
	Made       bool   // it surely is there: we have made it for itself
}

// Dirs returns the directories that are known of a folder, by path.
func (s *Store) Dirs(ctx context.Context, folder string) ([]Dir, error) {
	var all []Dir
	err := s.read(ctx, "directories of "+folder, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Dir{
				Route: Route{Folder: folder, Destination: r.text(0)}, Path: r.path(1), RemotePath: r.text(2), Dev: uint64(r.int(3)),
				Made: r.bool(4),
			})
			return nil
		}, "SELECT destination, path, remote_path, dev, made FROM dirs WHERE folder = ? ORDER BY path, destination", folder)
	})
	return all, err
}

// SaveDirs records directories.
func (s *Store) SaveDirs(ctx context.Context, all []Dir) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, "save directories", func(c *conn) error {
		for i := range all {
			if err := saveDir(c, &all[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// saveDir never forgets that a directory was made.
func saveDir(c *conn, d *Dir) error {
	_, err := c.exec(`INSERT INTO dirs (folder, destination, path, remote_path, dev, made) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (folder, path, destination) DO UPDATE SET
			made = excluded.made OR (dirs.made AND dirs.remote_path = excluded.remote_path),
			dev = CASE excluded.dev WHEN 0 THEN dirs.dev ELSE excluded.dev END, remote_path = excluded.remote_path`,
		d.Folder, d.Destination, d.Path, d.RemotePath, d.Dev, d.Made)
	return err
}

// ForgetDirs removes what is recorded of directories, as far as a known file of ours speaks for them that is not to be removed.
func (s *Store) ForgetDirs(ctx context.Context, all []Dir) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, "forget directories", func(c *conn) error {
		for i := range all {
			d := &all[i]
			_, err := c.exec(`DELETE FROM dirs WHERE folder = ?1 AND path = ?2 AND destination = ?3 AND EXISTS (SELECT 1 FROM known AS k
				WHERE folder = ?1 AND path > ?2 || '/' AND path < ?2 || '0' AND destination = ?3 AND owned = 1
				AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.folder = k.folder AND o.destination = k.destination
					AND o.path = k.path AND o.step = 'delete'))`, d.Folder, d.Path, d.Destination)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func forgetDir(c *conn, r Route, p file.Path) error {
	_, err := c.exec("DELETE FROM dirs WHERE folder = ? AND path = ? AND destination = ?", r.Folder, p, r.Destination)
	return err
}

// RipeDirs returns directories that are missing since before or longer, with nothing planned for them.
func (s *Store) RipeDirs(ctx context.Context, folder string, before time.Time) ([]Dir, error) {
	var all []Dir
	err := s.read(ctx, "directories that are missing in "+folder, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Dir{
				Route: Route{Folder: folder, Destination: r.text(0)}, Path: r.path(1), RemotePath: r.text(2), Dev: uint64(r.int(3)),
			})
			return nil
		}, `SELECT d.destination, d.path, d.remote_path, d.dev FROM missing AS m JOIN dirs AS d ON d.folder = m.folder AND d.path = m.path
			WHERE m.folder = ? AND m.dir = 1 AND m.since > 0 AND m.since <= ? AND NOT EXISTS (SELECT 1 FROM operations AS o
				WHERE o.folder = d.folder AND o.destination = d.destination AND o.path = d.path AND o.step = 'rmdir')
			ORDER BY d.path, d.destination`, folder, before)
	})
	return all, err
}

// NextDir returns when the next directory was noted as missing that is not ripe, if there is one.
func (s *Store) NextDir(ctx context.Context, folder string, before time.Time) (time.Time, bool, error) {
	var next int64
	err := s.read(ctx, "next directory in "+folder, func(c *conn) error {
		r, _, err := c.one("SELECT min(since) FROM missing WHERE folder = ? AND dir = 1 AND since > ?", folder, before)
		if err == nil {
			next = r.int(0)
		}
		return err
	})
	return fromNanos(next), next != 0 && err == nil, err
}

// DirMade records that an operation has made its directory, and ends it.
func (s *Store) DirMade(ctx context.Context, o *Operation, dev uint64) error {
	return s.write(ctx, "made "+o.RemotePath, func(c *conn) error {
		err := saveDir(c, &Dir{Route: o.Route, Path: o.Path, RemotePath: o.RemotePath, Dev: dev, Made: true})
		if err == nil {
			_, err = c.exec("DELETE FROM operations WHERE id = ?", o.ID)
		}
		return err
	})
}

// DirGone records that an operation has done with a directory that has left its folder, whether it was removed or is not
// empty, and ends it. What waits for its name is released: see Removed.
func (s *Store) DirGone(ctx context.Context, o *Operation) error {
	return s.write(ctx, "removed "+o.RemotePath, func(c *conn) error {
		err := forgetDir(c, o.Route, o.Path)
		if err == nil {
			_, err = c.exec("DELETE FROM missing WHERE folder = ?1 AND path = ?2 AND dir = 1 AND NOT EXISTS (SELECT 1 FROM dirs WHERE folder = ?1 AND path = ?2)",
				o.Folder, o.Path)
		}
		if err == nil {
			_, err = c.exec("DELETE FROM operations WHERE id = ?", o.ID)
		}
		if err == nil {
			err = freeName(c, o)
		}
		return err
	})
}

// HoldsOurs tells whether something of ours is known to be, or about to be, below a directory: then it may be empty later.
func (s *Store) HoldsOurs(ctx context.Context, r Route, dir file.Path) (bool, error) {
	const below = " WHERE folder = ?1 AND path > ?2 || '/' AND path < ?2 || '0' AND destination = ?3"
	holds := false
	err := s.read(ctx, "below "+string(dir), func(c *conn) (err error) {
		_, holds, err = c.one("SELECT 1 FROM dirs"+below+" UNION ALL SELECT 1 FROM known"+below+" AND owned = 1"+
			" UNION ALL SELECT 1 FROM intents"+below+" AND phase NOT IN ('delivered', 'cancelled')", r.Folder, dir, r.Destination)
		return err
	})
	return holds && err == nil, err
}

// freeName releases what could not be published because of what an operation has taken away: a directory that had a file's
// name, or a file that had a directory's. What was to be tried again later is tried now.
func freeName(c *conn, o *Operation) error {
	below := o.RemotePath + "/"
	_, err := c.exec("UPDATE intents SET "+released+` WHERE folder = ?1 AND destination = ?2
		AND ((phase = 'held' AND final = ?3) OR (phase IN ('held', 'parked') AND substr(final, 1, length(?4)) = ?4))`,
		o.Folder, o.Destination, o.RemotePath, below)
	if err == nil {
		_, err = c.exec(`UPDATE intents SET next_attempt = 0 WHERE folder = ?1 AND destination = ?2
			AND phase = 'planned' AND next_attempt > 0 AND substr(final, 1, length(?3)) = ?3`, o.Folder, o.Destination, below)
	}
	return err
}

// Trashed is a file of ours in the trash of a destination.
type Trashed struct {
	ID string // of its removal
	Route
	Path       file.Path
	RemotePath string // in the trash
	Size       int64
	SHA256     []byte // nil if it is not known
	At         time.Time
}

// Expired returns what a folder has put into the trash of its destinations at before or earlier, the oldest first.
func (s *Store) Expired(ctx context.Context, folder string, before time.Time, limit int) ([]Trashed, error) {
	var all []Trashed
	err := s.read(ctx, "trash of "+folder, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.trashed())
			return nil
		}, selectTrashed+`WHERE folder = ? AND at <= ? AND NOT EXISTS (SELECT 1 FROM operations AS o
			WHERE o.destination = trashed.destination AND o.remote_path = trashed.remote_path AND o.step = 'expire')
			ORDER BY at, remote_path LIMIT ?`, folder, before, limit)
	})
	return all, err
}

const selectTrashed = `SELECT id, folder, destination, path, remote_path, size, at,
	(SELECT sha256 FROM removals WHERE removals.id = trashed.id) FROM trashed `

func (r row) trashed() Trashed {
	return Trashed{
		ID: r.text(0), Route: Route{Folder: r.text(1), Destination: r.text(2)}, Path: r.path(3), RemotePath: r.text(4),
		Size: r.int(5), At: r.time(6), SHA256: r.blob(7),
	}
}

// NextExpiry returns when the oldest of what a folder has in the trash of its destinations was put there after a moment, if
// anything was.
func (s *Store) NextExpiry(ctx context.Context, folder string, after time.Time) (time.Time, bool, error) {
	var next int64
	err := s.read(ctx, "trash of "+folder, func(c *conn) error {
		r, _, err := c.one("SELECT min(at) FROM trashed WHERE folder = ? AND at > ?", folder, after)
		if err == nil {
			next = r.int(0)
		}
		return err
	})
	return fromNanos(next), next != 0 && err == nil, err
}

// TrashedAt returns our file at a path in the trash, if one is on record.
func (s *Store) TrashedAt(ctx context.Context, destination, remotePath string) (Trashed, bool, error) {
	var t Trashed
	found := false
	err := s.read(ctx, "trash", func(c *conn) error {
		r, ok, err := c.one(selectTrashed+"WHERE destination = ? AND remote_path = ?", destination, remotePath)
		if found = ok && err == nil; found {
			t = r.trashed()
		}
		return err
	})
	return t, found, err
}
