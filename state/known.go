package state

import (
	"context"

	"github.com/dropferry/dropferry/file"
)

// knowDelivered makes the published file of an intent known, and ours. What is sent again from elsewhere says nothing of
// the folder's file. Which file system it lies on is the store's to say, here as below: while it was sent that one may have got another number, or a person
// may have said that it is gone for good.
func knowDelivered(c *conn, id string, d Deliver) error {
	_, err := c.exec(`INSERT OR FAIL INTO known (folder, destination, path, remote_path, owned, size, mtime, ctime, dev, ino, racy, sha256)
		SELECT folder, destination, path, final, 1, ?, ?, ?, dev, ?, ?, ? FROM intents WHERE id = ? AND source = ''
		ON CONFLICT (folder, path, destination) DO UPDATE SET remote_path = excluded.remote_path, owned = 1,
			size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime, dev = excluded.dev, ino = excluded.ino,
			racy = excluded.racy, sha256 = excluded.sha256`,
		d.Fingerprint.Size, d.Fingerprint.ModTime, d.Fingerprint.ChangeTime, d.Fingerprint.Inode,
		d.Racy, d.Proof.SHA256, id)
	return err
}

// Adopt closes a planned intent because its content is at the destination already, put there by somebody else: the
// file is known from now on, without a receipt. Route, path and, where k names none, the remote path are the intent's.
// The file does not become ours by it. Where it was ours at that very name, it stays so. It returns false where the
// intent is not planned.
func (s *Store) Adopt(ctx context.Context, id string, k Known) (bool, error) {
	begun := s.attempts.of(id)
	return s.settle(ctx, "adopt", id, begun, func(c *conn) (int64, error) {
		n, err := c.exec(`INSERT OR FAIL INTO known (folder, destination, path, remote_path, owned, size, mtime, ctime, dev, ino, racy, sha256)
			SELECT folder, destination, path, CASE ? WHEN '' THEN final ELSE ? END, 0, ?, ?, ?, dev, ?, ?, ?
			FROM intents WHERE id = ? AND phase = 'planned'
			ON CONFLICT (folder, path, destination) DO UPDATE SET
				owned = known.owned AND known.remote_path = excluded.remote_path, remote_path = excluded.remote_path,
				size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime, dev = excluded.dev,
				ino = excluded.ino, racy = excluded.racy, sha256 = excluded.sha256`,
			k.RemotePath, k.RemotePath, k.Fingerprint.Size, k.Fingerprint.ModTime, k.Fingerprint.ChangeTime,
			k.Fingerprint.Inode, k.Racy, k.SHA256, id)
		if err != nil || n == 0 {
			return 0, err
		}
		return s.closePlanned(c, id, begun)
	})
}

// Unchanged closes a planned intent whose file turned out to have the known content, and gives the known file the
// fingerprint that it has now. It returns false where the intent is not planned.
func (s *Store) Unchanged(ctx context.Context, id string, fp file.Fingerprint, racy bool) (bool, error) {
	begun := s.attempts.of(id)
	return s.settle(ctx, "unchanged", id, begun, func(c *conn) (int64, error) {
		r, ok, err := c.one("SELECT folder, destination, path, dev FROM intents WHERE id = ? AND phase = 'planned'", id)
		if err != nil || !ok {
			return 0, err
		}
		fp.Dev = uint64(r.int(3))
		if err := touch(c, Route{Folder: r.text(0), Destination: r.text(1)}, r.path(2), fp, racy); err != nil {
			return 0, err
		}
		return s.closePlanned(c, id, begun)
	})
}

// closePlanned removes a planned intent that needs no transfer. An earlier attempt may have left part of its temp. What
// an earlier process began need not be on record.
func (s *Store) closePlanned(c *conn, id string, b begun) (int64, error) {
	_, err := c.exec(`INSERT OR REPLACE INTO sweeps SELECT id, destination, temp FROM intents
		WHERE id = ? AND temp <> '' AND (attempts + ? > 0 OR seq <= ?)`, id, b.n, s.inherited)
	if err != nil {
		return 0, err
	}
	return c.exec("DELETE FROM intents WHERE id = ? AND phase = 'planned'", id)
}

// Touch gives a known file a new fingerprint. Its content is the same: a touch is not a change.
func (s *Store) Touch(ctx context.Context, route Route, path file.Path, fp file.Fingerprint, racy bool) error {
	return s.write(ctx, "touch "+string(path), func(c *conn) error { return touch(c, route, path, fp, racy) })
}

func touch(c *conn, route Route, path file.Path, fp file.Fingerprint, racy bool) error {
	_, err := c.exec(`UPDATE known SET size = ?, mtime = ?, ctime = ?, dev = ?, ino = ?, racy = ?
		WHERE folder = ? AND path = ? AND destination = ?`,
		fp.Size, fp.ModTime, fp.ChangeTime, fp.Dev, fp.Inode, racy, route.Folder, path, route.Destination)
	return err
}

// Forget removes what is known of the paths on all routes of the folder: they are as if never seen.
func (s *Store) Forget(ctx context.Context, folder string, paths []file.Path) error {
	return s.write(ctx, "forget", func(c *conn) error {
		for _, p := range paths {
			going, err := s.folds.going(c, "folder = ? AND path = ?", folder, p)
			if err == nil {
				err = forget(c, folder, p)
			}
			if err == nil {
				err = s.folds.freeAll(c, going)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func forget(c *conn, folder string, path file.Path) error {
	_, err := c.exec("DELETE FROM known WHERE folder = ? AND path = ?", folder, path)
	return err
}

// Numbered is a version of a file, with the number that its file system has now.
type Numbered struct {
	Path        file.Path
	Fingerprint file.Fingerprint
}

// Renumber gives what is known of these versions, and what is under way of them, the number that their file system has now. What
// is on record of other versions stays.
func (s *Store) Renumber(ctx context.Context, folder string, all []Numbered) error {
	return s.write(ctx, "renumber files of "+folder, func(c *conn) error {
		for i := range all {
			fp := &all[i].Fingerprint
			for _, table := range []string{"known", "intents"} {
				_, err := c.exec("UPDATE "+table+` SET dev = ?1 WHERE folder = ?2 AND path = ?3 AND dev <> ?1
					AND size = ?4 AND mtime = ?5 AND ctime = ?6 AND ino = ?7`,
					fp.Dev, folder, all[i].Path, fp.Size, fp.ModTime, fp.ChangeTime, fp.Inode)
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// RenumberBelow gives all that is on record of a file system below a directory, "" being the whole folder, the number that it
// has now.
func (s *Store) RenumberBelow(ctx context.Context, folder string, dir file.Path, was, now uint64) error {
	return s.write(ctx, "renumber a file system in "+folder, func(c *conn) error {
		for _, table := range []string{"known", "intents", "dirs"} {
			if _, err := c.exec("UPDATE "+table+" SET dev = ?4 WHERE dev = ?3 AND (?2 = '' AND folder = ?1 OR "+withinMount+")", folder, dir, was, now); err != nil {
				return err
			}
		}
		return nil
	})
}
