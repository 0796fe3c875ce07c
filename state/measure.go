package state

import (
	"context"

	"github.com/dropferry/dropferry/file"
)

// Measure records the fingerprint of a planned intent's source where that had none when it was planned: the size of a
// stream is only known at its end. It returns false where the intent is not planned.
func (s *Store) Measure(ctx context.Context, id string, print file.Fingerprint) (bool, error) {
	var changed int64
	err := s.write(ctx, "measure "+id, func(c *conn) (err error) {
		changed, err = c.exec(`UPDATE intents SET size = ?, mtime = ?, ctime = ?, dev = ?, ino = ? WHERE id = ? AND phase = 'planned'`,
			print.Size, print.ModTime, print.ChangeTime, print.Dev, print.Inode, id)
		return err
	})
	return changed > 0 && err == nil, err
}
