package state

import "context"

// Receipts returns the receipts of a folder that were written after the one with the number seq, the oldest first, at
// most limit.
func (s *Store) Receipts(ctx context.Context, folder string, seq int64, limit int) ([]Delivery, error) {
	var found []Delivery
	err := s.read(ctx, "receipts", func(c *conn) error {
		found = nil
		return c.each(func(r row) error {
			found = append(found, r.delivery())
			return nil
		}, selectDelivery+"WHERE seq > ? AND +folder = ? ORDER BY seq LIMIT ?", seq, folder, limit)
	})
	return found, err
}

// LastReceipt returns the number of the newest receipt; 0 where there is none.
func (s *Store) LastReceipt(ctx context.Context) (int64, error) {
	var seq int64
	err := s.read(ctx, "last receipt", func(c *conn) error {
		r, ok, err := c.one("SELECT seq FROM deliveries ORDER BY seq DESC LIMIT 1")
		if seq = 0; ok && err == nil {
			seq = r.int(0)
		}
		return err
	})
	return seq, err
}

// Oldest returns what was planned first for a route of what is not published yet and neither held nor given up.
func (s *Store) Oldest(ctx context.Context, route Route) (in Intent, found bool, err error) {
	err = s.read(ctx, "oldest", func(c *conn) error {
		r, ok, err := c.one(selectIntent+"WHERE +folder = ? AND +destination = ? AND +phase IN ('planned', 'committing') ORDER BY seq LIMIT 1",
			route.Folder, route.Destination)
		if found = ok; ok && err == nil {
			in = r.intent()
		}
		return err
	})
	return in, found, err
}
