package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Name is what the configuration calls a folder or a destination, and what stood behind the name then. It stays when it
// has left the configuration, since what was delivered under it stays.
type Name struct {
	Kind  Named
	Name  string
	Place string // of a folder its path, of a destination its host
	Port  int    // of a destination
	User  string // of a destination
	Mode  string // of a folder

	Seen time.Time // when a configuration with it was last begun
	Used bool      // something was delivered, adopted or planned under it; not stored
}

// Names returns the names that the store knows.
func (s *Store) Names(ctx context.Context) ([]Name, error) {
	var all []Name
	err := s.read(ctx, "names", func(c *conn) (err error) {
		all, err = names(c)
		return err
	})
	return all, err
}

func names(c *conn) ([]Name, error) {
	var all []Name
	err := c.each(func(r row) error {
		all = append(all, Name{
			Kind: Named(r.text(0)), Name: r.text(1), Place: r.text(2), Port: int(r.int(3)), User: r.text(4), Mode: r.text(5),
			Seen: r.time(6),
		})
		return nil
	}, "SELECT kind, name, place, port, user, mode, seen FROM names ORDER BY kind, name")
	for i := range all {
		if err == nil {
			all[i].Used, err = isUsed(c, all[i].Kind, all[i].Name)
		}
	}
	return all, err
}

// isUsed tells whether the store holds anything under a name.
func isUsed(c *conn, kind Named, name string) (bool, error) {
	_, found, err := c.one("SELECT 1 FROM renamings WHERE kind = ? AND name = ? LIMIT 1", string(kind), name)
	if found || err != nil {
		return found, err
	}
	for _, table := range []string{"deliveries", "counts"} {
		condition := " = ?"
		if table == "counts" {
			condition += " AND (known > 0 OR intents > 0)"
		}
		_, found, err := c.one("SELECT 1 FROM "+table+" WHERE "+string(kind)+condition+" LIMIT 1", name)
		if found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// Renamings returns all renamings, the oldest first.
func (s *Store) Renamings(ctx context.Context) ([]Renaming, error) {
	var all []Renaming
	err := s.read(ctx, "renamings", func(c *conn) error {
		p, err := s.renamed.in(c)
		all = slices.Clone(p.all)
		return err
	})
	return all, err
}

// NamedNow returns a receipt with the names that its route has today.
func (s *Store) NamedNow(ctx context.Context, d Delivery) (Delivery, error) {
	err := s.read(ctx, "names", func(c *conn) error {
		p, err := s.renamed.in(c)
		d = p.now(d)
		return err
	})
	return d, err
}

// Configured is what a configuration is about to change in the store.
type Configured struct {
	Names     []Name     // all of its names; those that the store knows besides stay
	Renamings []Renaming // what goes on under another name
	Forget    []Route    // whose known files are as if never seen: they are elsewhere
	Orders    []FolderOrder
}

// errNameTaken says that a name has a history of its own.
var errNameTaken = errors.New("the name has files of its own")

// Configure records what a configuration calls its folders and destinations, and how their files take turns, all in one
// transaction. What was recorded of a renamed one goes on under its new name; only receipts keep the name of their time.
func (s *Store) Configure(ctx context.Context, n Configured, at time.Time) error {
	err := s.write(ctx, "record the names of the configuration", func(c *conn) error {
		for _, r := range n.Renamings {
			if err := rename(c, r, at); err != nil {
				return fmt.Errorf("rename %s %s to %s: %w", r.Kind, r.Was, r.Name, err)
			}
		}
		for _, f := range n.Forget {
			if _, err := c.exec("DELETE FROM known WHERE folder = ? AND destination = ?", f.Folder, f.Destination); err != nil {
				return err
			}
		}
		for _, name := range n.Names {
			_, err := c.exec("INSERT OR REPLACE INTO names (kind, name, place, port, user, mode, seen) VALUES (?, ?, ?, ?, ?, ?, ?)",
				string(name.Kind), name.Name, name.Place, name.Port, name.User, name.Mode, at)
			if err != nil {
				return err
			}
		}
		for _, o := range n.Orders {
			if err := arrange(c, o); err != nil {
				return fmt.Errorf("arrange %s: %w", o.Folder, err)
			}
		}
		return nil
	})
	s.renamed.forget()
	s.folds.forget()
	return err
}

// rename gives all rows of a name to another one.
func rename(c *conn, r Renaming, at time.Time) error {
	column := string(r.Kind)
	if r.Kind != FolderName && r.Kind != DestinationName {
		return fmt.Errorf("%q has no name", column)
	}
	for _, table := range []string{"known", "intents"} {
		if _, taken, err := c.one("SELECT 1 FROM "+table+" WHERE "+column+" = ? LIMIT 1", r.Name); err != nil || taken {
			return errors.Join(err, errNameTaken)
		}
	}
	tables, err := tablesWith(c, column)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := c.exec("DELETE FROM "+table+" WHERE "+column+" = ?", r.Name); err != nil {
			return err
		}
		if _, err := c.exec("UPDATE "+table+" SET "+column+" = ? WHERE "+column+" = ?", r.Name, r.Was); err != nil {
			return err
		}
	}
	if _, err := c.exec("DELETE FROM names WHERE kind = ? AND name = ?", column, r.Was); err != nil {
		return err
	}
	_, err = c.exec("INSERT INTO renamings (kind, was, name, upto, at) SELECT ?, ?, ?, coalesce(max(seq), 0), ? FROM deliveries",
		column, r.Was, r.Name, at)
	return err
}

// tablesWith returns the tables that name folders or destinations, but for the ledgers. They are asked for and not listed,
// so that none is forgotten.
func tablesWith(c *conn, column string) ([]string, error) {
	var tables []string
	err := c.each(func(r row) error {
		tables = append(tables, r.text(0))
		return nil
	}, `SELECT m.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS i
		WHERE m.type = 'table' AND i.name = ? AND m.name NOT IN ('deliveries', 'removals') ORDER BY m.name`, column)
	return tables, err
}
