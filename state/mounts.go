package state

import (
	"context"
	"slices"

	"github.com/dropferry/dropferry/file"
)

// SaveMounts records places in a folder where file systems are mounted.
func (s *Store) SaveMounts(ctx context.Context, folder, root string, places []file.Path) error {
	return s.write(ctx, "mounts in "+folder, func(c *conn) error {
		for _, p := range places {
			if _, err := c.exec("INSERT OR IGNORE INTO mounts (folder, root, path) VALUES (?, ?, ?)", folder, root, p); err != nil {
				return err
			}
		}
		return nil
	})
}

// What lies in a directory sorts between its name with "/" and its name with "0", the next letter.
const (
	withinMount = "folder = ?1 AND path > ?2 || '/' AND path < ?2 || '0'"
	ofMount     = "folder = ?1 AND (path = ?2 OR path > ?2 || '/' AND path < ?2 || '0')"
)

// Mounts returns the places in a folder where a file system was seen mounted, as long as anything is known of what lay there,
// in order. links says that the folder follows links: what lay there may be known by the names of links, so that a place matters while
// anything is known of the folder.
func (s *Store) Mounts(ctx context.Context, folder, root string, links bool) ([]file.Path, error) {
	var places []file.Path
	err := s.read(ctx, "mounts in "+folder, func(c *conn) error {
		places = nil
		err := c.each(func(r row) error {
			places = append(places, r.path(0))
			return nil
		}, "SELECT path FROM mounts WHERE folder = ? AND root = ? ORDER BY path", folder, root)
		if err != nil {
			return err
		}
		places = slices.DeleteFunc(places, func(p file.Path) bool {
			var matters bool
			switch {
			case err != nil:
			case links:
				_, matters, err = c.one("SELECT 1 FROM known WHERE folder = ?1 UNION ALL SELECT 1 FROM intents WHERE folder = ?1"+
					" UNION ALL SELECT 1 FROM dirs WHERE folder = ?1 LIMIT 1", folder)
			default:
				_, matters, err = c.one("SELECT 1 FROM known WHERE "+withinMount+" UNION ALL SELECT 1 FROM intents WHERE "+withinMount+
					" UNION ALL SELECT 1 FROM dirs WHERE "+ofMount+" LIMIT 1", folder, p)
			}
			return !matters
		})
		return err
	})
	return places, err
}

// ForgetMounts forgets places in a folder: nothing is to be mounted there any more. What is known of files that lay there says
// no longer which file system they lay on, so that they can be missed like any other.
func (s *Store) ForgetMounts(ctx context.Context, folder, root string, places []file.Path) error {
	return s.write(ctx, "forget mounts in "+folder, func(c *conn) error {
		for _, p := range places {
			if _, err := c.exec("DELETE FROM mounts WHERE folder = ? AND root = ? AND path = ?", folder, root, p); err != nil {
				return err
			}
			for _, change := range []string{
				"UPDATE known SET dev = 0 WHERE " + withinMount,
				"UPDATE intents SET dev = 0 WHERE " + withinMount,
				"UPDATE dirs SET dev = 0 WHERE " + ofMount,
			} {
				if _, err := c.exec(change, folder, p); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
