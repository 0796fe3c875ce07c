package state

import (
	"context"
	"time"
)

// Root is what a folder's root was, once: the directory, and the number that its file system had then.
type Root struct {
	Folder string
	Root   string // the operating system's path
	Dev    uint64
	Inode  uint64
	Born   int64 // when the directory was made, in nanoseconds since 1970; 0 where the system does not tell
	At     time.Time
}

// maxRoots is how many are kept for one path: each start of the machine may add one.
const maxRoots = 100

// SaveRoot records a root. The oldest of too many go.
func (s *Store) SaveRoot(ctx context.Context, r Root) error {
	return s.write(ctx, "root of "+r.Folder, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO roots (folder, root, dev, ino, born, at) VALUES (?, ?, ?, ?, ?, ?)",
			r.Folder, r.Root, r.Dev, r.Inode, r.Born, r.At)
		if err == nil {
			_, err = c.exec(`DELETE FROM roots WHERE folder = ?1 AND root = ?2 AND at <
				(SELECT min(at) FROM (SELECT at FROM roots WHERE folder = ?1 AND root = ?2 ORDER BY at DESC LIMIT ?3))`,
				r.Folder, r.Root, maxRoots)
		}
		return err
	})
}

// Roots returns what is on record of the root of a folder at a path.
func (s *Store) Roots(ctx context.Context, folder, root string) ([]Root, error) {
	var all []Root
	err := s.read(ctx, "root of "+folder, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Root{
				Folder: folder, Root: root, Dev: uint64(r.int(0)), Inode: uint64(r.int(1)), Born: r.int(2), At: r.time(3),
			})
			return nil
		}, "SELECT dev, ino, born, at FROM roots WHERE folder = ? AND root = ? ORDER BY at", folder, root)
	})
	return all, err
}
