package state

import (
	"context"
	"time"
)

// Rate is how fast a destination was at something.
type Rate struct {
	What  string
	Bytes int64 // in a second
	At    time.Time
}

// Rates returns how fast a destination was, by what it did.
func (s *Store) Rates(ctx context.Context, destination string) ([]Rate, error) {
	var all []Rate
	err := s.read(ctx, "rates of "+destination, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Rate{What: r.text(0), Bytes: r.int(1), At: r.time(2)})
			return nil
		}, "SELECT what, rate, at FROM rates WHERE destination = ? ORDER BY what", destination)
	})
	return all, err
}

// SaveRates stores how fast a destination was, in place of what was stored of the same. The rest stays.
func (s *Store) SaveRates(ctx context.Context, destination string, all []Rate) error {
	if len(all) == 0 {
		return nil
	}
	return s.write(ctx, "save rates of "+destination, func(c *conn) error {
		for _, r := range all {
			_, err := c.exec("INSERT OR REPLACE INTO rates (destination, what, rate, at) VALUES (?, ?, ?, ?)", destination, r.What, r.Bytes, r.At)
			if err != nil {
				return err
			}
		}
		return nil
	})
}
