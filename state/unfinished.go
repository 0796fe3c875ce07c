package state

import "context"

// An upload without a temp shows what it has written so far under the final name. Whoever finds it there after a crash
// has to know that it is ours, and not somebody's file.

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
