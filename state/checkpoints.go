package state

import "context"

// SaveCheckpoint records how far the upload of a planned intent has come. It returns false where the intent is no longer
// planned: the upload is in vain then.
func (s *Store) SaveCheckpoint(ctx context.Context, id string, p Checkpoint) (bool, error) {
	var saved int64
	err := s.write(ctx, "checkpoint of "+id, func(c *conn) (err error) {
		saved, err = c.exec(`INSERT INTO checkpoints SELECT id, ?, ? FROM intents WHERE id = ? AND phase = 'planned'
			ON CONFLICT (intent) DO UPDATE SET offset = excluded.offset, hash = excluded.hash`, p.Offset, p.Hash, id)
		return err
	})
	return saved > 0 && err == nil, err
}

// DropCheckpoint forgets how far the upload of an intent has come.
func (s *Store) DropCheckpoint(ctx context.Context, id string) error {
	return s.write(ctx, "checkpoint of "+id, func(c *conn) error {
		_, err := c.exec("DELETE FROM checkpoints WHERE intent = ?", id)
		return err
	})
}

// Checkpoint returns how far the upload of an intent has come, if a checkpoint was recorded. It ends with the intent,
// and when the intent leaves the phase Planned.
func (s *Store) Checkpoint(ctx context.Context, id string) (Checkpoint, bool, error) {
	var p Checkpoint
	found := false
	err := s.read(ctx, "checkpoint of "+id, func(c *conn) error {
		return c.each(func(r row) error {
			p, found = Checkpoint{Offset: r.int(0), Hash: r.blob(1)}, true
			return nil
		}, "SELECT offset, hash FROM checkpoints WHERE intent = ?", id)
	})
	return p, found, err
}
