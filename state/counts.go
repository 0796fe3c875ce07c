package state

import "context"

// Count is how much the store holds of one route.
type Count struct {
	Route
	Planned, Committing, Delivered, Held, Parked int // intents, by phase
	Known                                        int // files
}

// Counts returns the counts of all routes that have any, by folder and destination. It is cheap, however much there is
// to count.
func (s *Store) Counts(ctx context.Context) ([]Count, error) {
	var all []Count
	err := s.read(ctx, "counts", func(c *conn) error {
		return c.each(func(r row) error {
			route := Route{Folder: r.text(0), Destination: r.text(1)}
			if n := len(all); n == 0 || all[n-1].Route != route {
				all = append(all, Count{Route: route})
			}
			all[len(all)-1].add(r.text(2), int(r.int(3)))
			return nil
		}, "SELECT folder, destination, what, n FROM counts WHERE n > 0 ORDER BY folder, destination")
	})
	return all, err
}

func (c *Count) add(what string, n int) {
	switch Phase(what) {
	case Planned:
		c.Planned = n
	case Committing:
		c.Committing = n
	case Delivered:
		c.Delivered = n
	case Held:
		c.Held = n
	case Parked:
		c.Parked = n
	default:
		c.Known = n
	}
}
