package state

import "context"

// Count is how much the store holds of one route.
type Count struct {
	Route
	Planned, Committing, Delivered, Held, Parked, Cancelled int // intents, by phase
	Known                                                   int // files
}

// Counts returns the counts of all routes that have any, by folder and destination. What there may be a million of is
// counted as it is written, and the intents that have left their first phase are counted here: it stays cheap.
func (s *Store) Counts(ctx context.Context) ([]Count, error) {
	var all []Count
	err := s.read(ctx, "counts", func(c *conn) error {
		at := map[Route]int{}
		err := c.each(func(r row) error {
			route := Route{Folder: r.text(0), Destination: r.text(1)}
			at[route] = len(all)
			all = append(all, Count{Route: route, Known: int(r.int(2)), Planned: int(r.int(3))})
			return nil
		}, `SELECT folder, destination, known, intents FROM counts WHERE known > 0 OR intents > 0 ORDER BY folder, destination`)
		if err != nil {
			return err
		}
		return c.each(func(r row) error {
			if i, ok := at[Route{Folder: r.text(0), Destination: r.text(1)}]; ok {
				all[i].move(Phase(r.text(2)))
			}
			return nil
		}, `SELECT folder, destination, phase FROM intents WHERE phase IN ('committing', 'delivered', 'held', 'parked', 'cancelled')`)
	})
	return all, err
}

// move takes an intent from those that count as planned to those of its phase.
func (c *Count) move(to Phase) {
	c.Planned--
	switch to {
	case Committing:
		c.Committing++
	case Delivered:
		c.Delivered++
	case Held:
		c.Held++
	case Parked:
		c.Parked++
	case Cancelled:
		c.Cancelled++
	}
}
