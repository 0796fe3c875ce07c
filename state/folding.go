package state

import (
	"context"
	"slices"
	"sync"

	"github.com/dropferry/dropferry/file"
)

// Some servers take several names for one, those that differ in case, say. What is known or under way at such a destination
// is found by the key of its name too: see file.Folding.

// folds keeps which destinations fold names: that is asked for with each plan, and hardly ever changes.
type folds struct {
	mu sync.Mutex
	by map[string]file.Folding // nil: not read yet
}

func (k *folds) of(c *conn, destination string) (file.Folding, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil {
		by := map[string]file.Folding{}
		err := c.each(func(r row) error {
			by[r.text(0)] = file.Folding{Case: r.bool(1), Form: r.bool(2)}
			return nil
		}, "SELECT destination, by_case, by_form FROM folding")
		if err != nil {
			return file.Folding{}, err
		}
		k.by = by
	}
	return k.by[destination], nil
}

func (k *folds) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by = nil
}

// FoldingOf returns which names a destination takes for one, as far as that is known.
func (s *Store) FoldingOf(ctx context.Context, destination string) (f file.Folding, err error) {
	err = s.read(ctx, "names at "+destination, func(c *conn) (err error) {
		f, err = s.folds.of(c, destination)
		return err
	})
	return f, err
}

// SetFolding records which names a destination takes for one.
func (s *Store) SetFolding(ctx context.Context, destination string, f file.Folding) error {
	if have, err := s.FoldingOf(ctx, destination); err != nil || have == f {
		return err
	}
	err := s.write(ctx, "names at "+destination, func(c *conn) error {
		if _, err := c.exec("DELETE FROM spellings WHERE destination = ?", destination); err != nil {
			return err
		}
		_, err := c.exec("INSERT OR REPLACE INTO folding (destination, by_case, by_form) VALUES (?, ?, ?)", destination, f.Case, f.Form)
		if err != nil || !f.Folds() {
			return err
		}
		return spellAll(c, destination, f)
	})
	s.folds.forget()
	return err
}

// spellAll puts all names at a destination on record.
func spellAll(c *conn, destination string, f file.Folding) error {
	cur, err := c.query(`SELECT folder, path, remote_path FROM known WHERE destination = ?1
		UNION ALL SELECT folder, path, final FROM intents WHERE destination = ?1`, destination)
	if err != nil {
		return err
	}
	for err == nil && cur.next() {
		err = spell(c, f, destination, cur.row.text(0), cur.row.path(1), cur.row.text(2))
	}
	if closed := cur.close(); err == nil {
		err = closed
	}
	return err
}

func spell(c *conn, f file.Folding, destination, folder string, p file.Path, remotePath string) error {
	_, err := c.exec("INSERT OR IGNORE INTO spellings (destination, key, folder, path) VALUES (?, ?, ?, ?)",
		destination, f.Key(remotePath), folder, p)
	return err
}

// forgetSpellings removes those that nothing is known of any more.
func forgetSpellings(c *conn) error {
	_, err := c.exec(`DELETE FROM spellings WHERE
		NOT EXISTS (SELECT 1 FROM known AS k WHERE k.folder = spellings.folder AND k.path = spellings.path AND k.destination = spellings.destination)
		AND NOT EXISTS (SELECT 1 FROM intents AS i WHERE i.folder = spellings.folder AND i.path = spellings.path)`)
	return err
}

// Namesake is another file whose name a destination takes for one that is asked about.
type Namesake struct {
	Known  Known  // where it is an intent, it has its route, path and remote path alone
	Intent string // id of the open intent that is to publish it; "" where it is known to be there
	Aside  bool   // the intent waits for a person
}

// Namesakes returns the other files, known or under way, whose names the destination takes for the remote path of p.
func (s *Store) Namesakes(ctx context.Context, r Route, p file.Path, remotePath string) (all []Namesake, err error) {
	err = s.read(ctx, "namesakes of "+remotePath, func(c *conn) error {
		f, err := s.folds.of(c, r.Destination)
		if err == nil {
			all, err = namesakes(c, f, r, p, remotePath)
		}
		return err
	})
	return all, err
}

func namesakes(c *conn, f file.Folding, r Route, p file.Path, remotePath string) ([]Namesake, error) {
	if !f.Folds() {
		return nil, nil
	}
	type place struct {
		folder string
		path   file.Path
	}
	var places []place
	err := c.each(func(r row) error {
		places = append(places, place{r.text(0), r.path(1)})
		return nil
	}, "SELECT folder, path FROM spellings WHERE destination = ? AND key = ?", r.Destination, f.Key(remotePath))
	var all []Namesake
	other := func(name string) bool { return name != remotePath && f.Same(name, remotePath) }
	for _, at := range places {
		if err != nil || at.folder == r.Folder && at.path == p {
			continue
		}
		err = c.each(func(row row) error {
			if k := row.known(at.folder); other(k.RemotePath) {
				all = append(all, Namesake{Known: k})
			}
			return nil
		}, selectKnown+"WHERE folder = ? AND path = ? AND destination = ?", at.folder, at.path, r.Destination)
		if err != nil {
			break
		}
		err = c.each(func(row row) error {
			if final := row.text(1); other(final) {
				k := Known{Route: Route{Folder: at.folder, Destination: r.Destination}, Path: at.path, RemotePath: final}
				phase := Phase(row.text(2))
				all = append(all, Namesake{Known: k, Intent: row.text(0), Aside: phase == Held || phase == Parked})
			}
			return nil
		}, "SELECT id, final, phase FROM intents WHERE folder = ? AND path = ? AND destination = ? AND phase NOT IN ('delivered', 'cancelled')",
			at.folder, at.path, r.Destination)
	}
	return all, err
}

// plan is plan, and sees to it that no two files are planned for what the destination takes for one name.
func (k *folds) plan(c *conn, p *Plan) (PlanResult, error) {
	in := &p.Intent
	f, err := k.of(c, in.Destination)
	if err != nil {
		return PlanResult{}, err
	}
	if !f.Folds() {
		return plan(c, p)
	}
	if in.Phase == "" || in.Phase == Planned {
		all, err := namesakes(c, f, in.Route, in.Path, in.Final)
		if err != nil {
			return PlanResult{}, err
		}
		for i := range all {
			switch n := &all[i]; {
			case n.Intent != "" && n.Intent == p.Supersedes:
			case n.Intent != "" && !n.Aside:
				return PlanResult{Other: n.Intent}, nil
			case n.Intent != "" || n.Known.Folder != in.Folder || n.Known.Path != in.MovedFrom:
				return PlanResult{Collides: &n.Known}, nil
			}
		}
	}
	planned, err := plan(c, p)
	if err == nil && planned.OK {
		err = spell(c, f, in.Destination, in.Folder, in.Path, in.Final)
	}
	if err == nil && planned.OK && p.Collides != "" {
		err = collide(c, in.ID, p.Collides)
	}
	return planned, err
}

// respelled puts the name of an intent on record that was given another one.
func (k *folds) respelled(c *conn, id string) error {
	r, ok, err := c.one("SELECT folder, destination, path, final FROM intents WHERE id = ?", id)
	if err != nil || !ok {
		return err
	}
	f, err := k.of(c, r.text(1))
	if err != nil || !f.Folds() {
		return err
	}
	return spell(c, f, r.text(1), r.text(0), r.path(2), r.text(3))
}

// replaced forgets what a published file has replaced under another spelling.
func (k *folds) replaced(c *conn, id string) error {
	r, ok, err := c.one("SELECT folder, destination, path, final FROM intents WHERE id = ?", id)
	if err != nil || !ok {
		return err
	}
	at, p, final := Route{Folder: r.text(0), Destination: r.text(1)}, r.path(2), r.text(3)
	f, err := k.of(c, at.Destination)
	if err != nil {
		return err
	}
	all, err := namesakes(c, f, at, p, final)
	for i := range all {
		if err == nil && all[i].Intent == "" {
			_, err = c.exec("DELETE FROM known WHERE folder = ? AND path = ? AND destination = ?", all[i].Known.Folder, all[i].Known.Path, at.Destination)
		}
	}
	return err
}

// collide notes that an intent is held because of another file's name.
func collide(c *conn, id string, with file.Path) error {
	_, err := c.exec("INSERT OR REPLACE INTO collisions (intent, path) VALUES (?, ?)", id, with)
	return err
}

// free releases what is held at a destination because of another file's name, where that was this remote name, as far as none of ours
// has it any more, nor is about to get it. Of several that wait for one name, the first gets it.
func (k *folds) free(c *conn, destination, name string) error {
	f, err := k.of(c, destination)
	if err != nil || !f.Folds() {
		return err
	}
	held, err := intents(c, selectIntent+`WHERE (folder, path) IN (SELECT folder, path FROM spellings WHERE destination = ?1 AND key = ?2)
		AND destination = ?1 AND phase = 'held' AND id IN (SELECT intent FROM collisions) ORDER BY seq`, destination, f.Key(name))
	for i := range held {
		var all []Namesake
		if err == nil {
			all, err = namesakes(c, f, held[i].Route, held[i].Path, held[i].Final)
		}
		if err == nil && !slices.ContainsFunc(all, func(n Namesake) bool { return !n.Aside }) {
			_, err = c.exec("UPDATE intents SET "+released+" WHERE id = ?", held[i].ID)
		}
	}
	return err
}

// goes is a remote name that is about to be nobody's.
type goes struct{ destination, name string }

// going returns the remote names of what is known under a condition, before it is forgotten.
func (k *folds) going(c *conn, condition string, args ...any) (all []goes, err error) {
	err = c.each(func(r row) error {
		all = append(all, goes{r.text(0), r.text(1)})
		return nil
	}, "SELECT destination, remote_path FROM known WHERE "+condition, args...)
	return all, err
}

// freeAll frees names.
func (k *folds) freeAll(c *conn, all []goes) error {
	for _, g := range all {
		if err := k.free(c, g.destination, g.name); err != nil {
			return err
		}
	}
	return nil
}

// Collisions returns the intents of a folder that are held because of another file's name.
func (s *Store) Collisions(ctx context.Context, folder string) ([]Intent, error) {
	var all []Intent
	err := s.read(ctx, "names that collide in "+folder, func(c *conn) (err error) {
		all, err = intents(c, selectIntent+"WHERE folder = ? AND id IN (SELECT intent FROM collisions) ORDER BY seq", folder)
		return err
	})
	return all, err
}
