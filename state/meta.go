package state

import "context"

// SetMeta stores a small value that has no table of its own.
func (s *Store) SetMeta(ctx context.Context, key, value string) error {
	return s.write(ctx, "set "+key, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", key, value)
		return err
	})
}

// Meta returns what SetMeta stored last; "" where that is nothing.
func (s *Store) Meta(ctx context.Context, key string) (string, error) {
	var value string
	err := s.read(ctx, "get "+key, func(c *conn) error {
		r, ok, err := c.one("SELECT value FROM meta WHERE key = ?", key)
		if ok && err == nil {
			value = r.text(0)
		}
		return err
	})
	return value, err
}
