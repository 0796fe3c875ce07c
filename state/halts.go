package state

import (
	"context"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Halt is why nothing is done for a folder until a person has decided.
type Halt struct {
	Folder   string
	Since    time.Time
	Reason   string      // a word
	Detail   string      // a sentence
	Count    int         // files that would be removed
	Examples []file.Path // some of them
	// Began, Allowed and MaxDelete are what Count was when it was halted, how many removals were allowed then, and how many the
	// configuration allowed. The last two are -1 where an earlier version did not note them.
	Began, Allowed, MaxDelete int
	// Accepted is how many a person lets be removed: the folder goes on, and the next scan decides. nil: it is halted.
	Accepted *int
}

// SetHalt halts a folder, or tells anew why it is halted. It returns false where it was halted before, which keeps its
// time.
func (s *Store) SetHalt(ctx context.Context, h Halt) (fresh bool, err error) {
	var examples []string
	for _, p := range h.Examples {
		examples = append(examples, string(p))
	}
	err = s.write(ctx, "halt "+h.Folder, func(c *conn) error {
		_, was, err := c.one("SELECT 1 FROM halts WHERE folder = ? AND accepted IS NULL AND reason = ?", h.Folder, h.Reason)
		if err != nil {
			return err
		}
		fresh = !was
		_, err = c.exec(`INSERT INTO halts (folder, since, reason, detail, count, examples, began, allowed, max_delete) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (folder) DO UPDATE SET accepted = NULL, reason = excluded.reason, detail = excluded.detail,
				count = excluded.count, examples = excluded.examples, began = excluded.began, allowed = excluded.allowed,
				max_delete = excluded.max_delete`,
			h.Folder, h.Since, h.Reason, h.Detail, h.Count, strings.Join(examples, "\x00"), h.Began, h.Allowed, h.MaxDelete)
		return err
	})
	return fresh && err == nil, err
}

// ClearHalt ends a folder's halt. It returns false where there is none.
func (s *Store) ClearHalt(ctx context.Context, folder string) (bool, error) {
	var n int64
	err := s.write(ctx, "end the halt of "+folder, func(c *conn) (err error) {
		n, err = c.exec("DELETE FROM halts WHERE folder = ?", folder)
		return err
	})
	return n > 0 && err == nil, err
}

// AcceptDeletes lets a halted folder go on, and so many files be removed. It returns false where the folder is not halted.
func (s *Store) AcceptDeletes(ctx context.Context, folder string, n int) (bool, error) {
	var changed int64
	err := s.write(ctx, "accept removals in "+folder, func(c *conn) (err error) {
		changed, err = c.exec("UPDATE halts SET accepted = ? WHERE folder = ?", n, folder)
		return err
	})
	return changed > 0 && err == nil, err
}

// EndHalting forgets a folder's halt and what is missing in it: nothing is going to be removed for it.
func (s *Store) EndHalting(ctx context.Context, folder string) error {
	some := false
	err := s.read(ctx, "halts", func(c *conn) (err error) {
		_, some, err = c.one("SELECT 1 FROM halts WHERE folder = ?1 UNION ALL SELECT 1 FROM missing WHERE folder = ?1 LIMIT 1", folder)
		return err
	})
	if err != nil || !some {
		return err
	}
	if _, err := s.ClearHalt(ctx, folder); err != nil {
		return err
	}
	return s.ForgetMissing(ctx, folder)
}

// NameInUse tells whether an open intent is about to publish at a remote path, or to take the known file of a path for
// another name.
func (s *Store) NameInUse(ctx context.Context, r Route, p file.Path, remotePath string) (bool, error) {
	used := false
	err := s.read(ctx, "name in use", func(c *conn) (err error) {
		_, used, err = c.one(`SELECT 1 FROM intents WHERE destination = ?1 AND final = ?2 AND phase NOT IN ('delivered', 'cancelled')
			UNION ALL SELECT 1 FROM intents WHERE folder = ?3 AND moved_from = ?4 AND destination = ?1 AND moved_from <> ''`,
			r.Destination, remotePath, r.Folder, p)
		return err
	})
	return used && err == nil, err
}

// HaltOf returns a folder's halt, or what a person has accepted in its place, if there is either.
func (s *Store) HaltOf(ctx context.Context, folder string) (Halt, bool, error) {
	all, err := s.Halts(ctx)
	for _, h := range all {
		if h.Folder == folder {
			return h, true, err
		}
	}
	return Halt{}, false, err
}

// Halts returns all halts, by the name of their folder, with those that a person has ended and no scan has heeded yet.
func (s *Store) Halts(ctx context.Context) ([]Halt, error) {
	var all []Halt
	err := s.read(ctx, "halts", func(c *conn) error {
		all = nil
		return c.each(func(r row) error {
			h := Halt{Folder: r.text(0), Since: r.time(1), Reason: r.text(2), Detail: r.text(3), Count: int(r.int(4))}
			h.Began, h.Allowed, h.MaxDelete = int(r.int(7)), int(r.int(8)), int(r.int(9))
			for p := range strings.SplitSeq(r.text(5), "\x00") {
				if p != "" {
					h.Examples = append(h.Examples, file.Path(p))
				}
			}
			if r[6] != nil {
				n := int(r.int(6))
				h.Accepted = &n
			}
			all = append(all, h)
			return nil
		}, "SELECT folder, since, reason, detail, count, examples, accepted, began, allowed, max_delete FROM halts ORDER BY folder")
	})
	return all, err
}

// Mark is what is on record of the marker in a folder's root.
type Mark struct {
	Folder string
	Root   string // the operating system's path
	ID     string // of the marker; "" of one that was written without
	Dev    uint64 // of the root, when a complete scan has last seen it with its marker
	At     time.Time
}

// SaveMark records a marker.
func (s *Store) SaveMark(ctx context.Context, m Mark) error {
	return s.write(ctx, "marker of "+m.Folder, func(c *conn) error {
		_, err := c.exec("INSERT OR REPLACE INTO marks (folder, root, id, dev, at) VALUES (?, ?, ?, ?, ?)",
			m.Folder, m.Root, m.ID, m.Dev, m.At)
		return err
	})
}

// MarkOf returns what is on record of the marker in a root, if anything is.
func (s *Store) MarkOf(ctx context.Context, folder, root string) (Mark, bool, error) {
	var m Mark
	found := false
	err := s.read(ctx, "marker of "+folder, func(c *conn) error {
		r, ok, err := c.one("SELECT id, dev, at FROM marks WHERE folder = ? AND root = ?", folder, root)
		if found = ok && err == nil; found {
			m = Mark{Folder: folder, Root: root, ID: r.text(0), Dev: uint64(r.int(1)), At: r.time(2)}
		}
		return err
	})
	return m, found, err
}
