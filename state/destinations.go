package state

import "context"

// SetBlock stores why a destination is not used, in place of an earlier block.
func (s *Store) SetBlock(ctx context.Context, b Block) error {
	return s.write(ctx, "block "+b.Destination, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO blocks (destination, kind, reason, secret, since, next_probe) VALUES (?, ?, ?, ?, ?, ?)",
			b.Destination, b.Kind, b.Reason, b.Secret, b.Since, b.NextProbe)
		return err
	})
}

// ClearBlock removes a destination's block, if it has one.
func (s *Store) ClearBlock(ctx context.Context, destination string) error {
	return s.write(ctx, "unblock "+destination, func(c *conn) error {
		_, err := c.exec("DELETE FROM blocks WHERE destination = ?", destination)
		return err
	})
}

// BlockOf returns a destination's block, if it has one.
func (s *Store) BlockOf(ctx context.Context, destination string) (Block, bool, error) {
	all, err := s.Blocks(ctx)
	for _, b := range all {
		if b.Destination == destination {
			return b, true, err
		}
	}
	return Block{}, false, err
}

// Blocks returns all blocks, by the name of their destination.
func (s *Store) Blocks(ctx context.Context) ([]Block, error) {
	var all []Block
	err := s.read(ctx, "blocks", func(c *conn) error {
		return c.each(func(r row) error {
			all = append(all, Block{
				Destination: r.text(0),
				Kind:        r.text(1),
				Reason:      r.text(2),
				Secret:      r.text(3),
				Since:       r.time(4),
				NextProbe:   r.time(5),
			})
			return nil
		}, "SELECT destination, kind, reason, secret, since, next_probe FROM blocks ORDER BY destination")
	})
	return all, err
}

// identitiesKept is of how many servers that answer for one destination is remembered what they can do: a load balancer
// may have several, of different versions.
const identitiesKept = 8

// SaveCapabilities stores what is known of a destination's server, in place of what was known of it before. The
// identity says which server and account that is true of. Of the servers of a destination, those that were saved last are
// kept.
func (s *Store) SaveCapabilities(ctx context.Context, destination, identity string, json []byte) error {
	return s.write(ctx, "save capabilities of "+destination, func(c *conn) error {
		_, err := c.exec(`INSERT OR REPLACE INTO capabilities (destination, identity, json, seen)
			SELECT ?1, ?2, ?3, coalesce(max(seen), 0) + 1 FROM capabilities WHERE destination = ?1`, destination, identity, json)
		if err == nil {
			_, err = c.exec(`DELETE FROM capabilities WHERE destination = ?1 AND identity NOT IN
				(SELECT identity FROM capabilities WHERE destination = ?1 ORDER BY seen DESC LIMIT ?2)`, destination, identitiesKept)
		}
		return err
	})
}

// AllCapabilities returns what was saved for a destination, of each of its servers, the last one first.
func (s *Store) AllCapabilities(ctx context.Context, destination string) ([][]byte, error) {
	var all [][]byte
	err := s.read(ctx, "capabilities of "+destination, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, r.blob(0))
			return nil
		}, "SELECT json FROM capabilities WHERE destination = ? ORDER BY seen DESC", destination)
	})
	return all, err
}

// Capabilities returns what was saved for a destination and the server of an identity.
func (s *Store) Capabilities(ctx context.Context, destination, identity string) ([]byte, bool, error) {
	var (
		json  []byte
		found bool
	)
	err := s.read(ctx, "capabilities of "+destination, func(c *conn) error {
		r, ok, err := c.one("SELECT json FROM capabilities WHERE destination = ? AND identity = ?", destination, identity)
		if ok && err == nil {
			json, found = r.blob(0), true
		}
		return err
	})
	return json, found, err
}
