package state

import "context"

// SaveArchived records where the source of a version has gone, if that is not where its intents say.
func (s *Store) SaveArchived(ctx context.Context, version, path string) error {
	return s.write(ctx, "archived "+version, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO archived SELECT id, ? FROM intents WHERE version = ?", path, version)
		return err
	})
}

// knowArchived keeps where a version that is about to be closed was to be archived. A crash may have come before
// SaveArchived, and the file may have been removed: who looks there compares the content.
func knowArchived(c *conn, version string) error {
	_, err := c.exec("INSERT OR IGNORE INTO archived SELECT id, archive FROM intents WHERE version = ? AND archive <> ''", version)
	return err
}

// ArchivedAt returns where the source of a delivery was archived, as far as that is known; "" else.
func (s *Store) ArchivedAt(ctx context.Context, id string) (string, error) {
	var path string
	err := s.read(ctx, "archive of "+id, func(c *conn) error {
		r, ok, err := c.one("SELECT path FROM archived WHERE id = ?", id)
		if path = ""; ok && err == nil {
			path = r.text(0)
		}
		return err
	})
	return path, err
}

// Receipt returns the receipt with the id, if there is one, under the names that its route has now.
func (s *Store) Receipt(ctx context.Context, id string) (Delivery, bool, error) {
	var (
		d     Delivery
		found bool
	)
	err := s.read(ctx, "receipt "+id, func(c *conn) error {
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		r, ok, err := c.one(selectDelivery+"WHERE id = ?", id)
		if found = ok && err == nil; found {
			d = past.now(r.delivery())
		}
		return err
	})
	return d, found, err
}
