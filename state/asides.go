package state

import "context"

// Aside is an earlier version of a file that stands at a name of its own while a newer one takes its place, at a server
// that replaces in two steps.
type Aside struct {
	Destination string
	Name        string // remote path, as is Final
	Final       string // where it was
	Intent      string // that was to replace it
	Replaced    bool   // something has been published at Final since
}

// SaveAside records that an earlier version is about to be moved aside.
func (s *Store) SaveAside(ctx context.Context, a Aside) error {
	return s.write(ctx, "aside "+a.Name, func(c *conn) error {
		_, err := c.exec(`INSERT OR REPLACE INTO asides (destination, name, final, intent, upto)
			SELECT ?, ?, ?, ?, coalesce(max(seq), 0) FROM deliveries`, a.Destination, a.Name, a.Final, a.Intent)
		return err
	})
}

// Asides returns those of a destination, but for what a committing intent will see to itself.
func (s *Store) Asides(ctx context.Context, destination string) ([]Aside, error) {
	var all []Aside
	err := s.read(ctx, "asides at "+destination, func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			all = append(all, Aside{Destination: destination, Name: r.text(0), Final: r.text(1), Intent: r.text(2), Replaced: r.bool(3)})
			return nil
		}, `SELECT name, final, intent, EXISTS (
				SELECT 1 FROM deliveries AS d WHERE d.destination = a.destination AND d.remote_path = a.final AND d.seq > a.upto)
			FROM asides AS a WHERE destination = ?
			AND NOT EXISTS (SELECT 1 FROM intents AS i WHERE i.id = a.intent AND i.phase = 'committing')
			ORDER BY name`, destination)
	})
	return all, err
}

// ClearAside records that nothing is there any more. With sweep, what is there is of no use, and is queued to be removed.
func (s *Store) ClearAside(ctx context.Context, destination, name string, sweep bool) error {
	return s.write(ctx, "aside "+name, func(c *conn) error {
		if sweep {
			_, err := c.exec(`INSERT OR REPLACE INTO sweeps (id, destination, temp)
				SELECT intent || ' ' || name, destination, name FROM asides WHERE destination = ? AND name = ?`, destination, name)
			if err != nil {
				return err
			}
		}
		_, err := c.exec("DELETE FROM asides WHERE destination = ? AND name = ?", destination, name)
		return err
	})
}
