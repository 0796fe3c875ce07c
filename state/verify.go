package state

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Expected is a file that a destination should hold, or was given once, with what is under way for it.
type Expected struct {
	Route
	Path       file.Path
	RemotePath string
	Size       int64
	SHA256     []byte    // of the content; nil where an adoption rested on size and time
	Known      *Known    // nil where the ledger alone speaks of it
	Last       *Delivery // the newest receipt for the remote path, where it is of this file; nil else
	Intents    []Intent  // those of the file on the route that are not delivered, and the open one for the remote path
	Leaves     bool      // it is about to be taken away there, or to get another name
	Dir        bool      // it is a directory that was made for itself, and nothing of the above but the names and Leaves
}

// UnderWay tells whether the file, or another one of its name, is about to be sent, published or taken away.
func (x *Expected) UnderWay() bool {
	return x.Leaves || slices.ContainsFunc(x.Intents, func(i Intent) bool { return i.Phase == Planned || i.Phase == Committing })
}

// Same tells whether nothing was delivered, adopted or planned between two looks at the store.
func (x *Expected) Same(later *Expected) bool {
	last := func(x *Expected) string {
		if x.Last == nil {
			return ""
		}
		return x.Last.ID
	}
	return x.RemotePath == later.RemotePath && x.Size == later.Size && bytes.Equal(x.SHA256, later.SHA256) &&
		last(x) == last(later) && !later.UnderWay()
}

// HasTime tells whether a modification time at the server is one that the file was given there, or has here: in whole
// seconds, as SFTP tells them, and with slack for the times of a copy that somebody else has made.
func (x *Expected) HasTime(at time.Time, slack time.Duration) bool {
	near := func(t time.Time, slack time.Duration) bool {
		return t.Truncate(time.Second).Sub(at.Truncate(time.Second)).Abs() <= slack
	}
	if x.Last != nil && x.Last.Size == x.Size && bytes.Equal(x.Last.Proof.SHA256, x.SHA256) && near(x.Last.Proof.RemoteModTime, 0) {
		return true
	}
	return x.Known != nil && near(x.Known.Fingerprint.Modified(), slack)
}

const (
	selectKnownAfter = selectKnown + "WHERE folder = ? AND path > ? AND destination = ? ORDER BY path LIMIT ?"
	// The newest receipt of each name; the index has all that this needs.
	selectNewestAfter = `SELECT remote_path, max(seq) FROM deliveries
		WHERE destination = ? AND remote_path > ? AND +seq > ? AND +seq <= ? GROUP BY remote_path ORDER BY remote_path LIMIT ?`
	selectOpenOfPath = selectIntent + "WHERE folder = ? AND path = ? AND destination = ? AND phase <> 'delivered' ORDER BY seq"
	selectOpenOfName = selectIntent + "WHERE destination = ? AND final = ? AND phase NOT IN ('delivered', 'cancelled')"
	selectLeaves     = `SELECT 1 FROM operations WHERE folder = ?1 AND path = ?2 AND destination = ?3 AND step = 'delete' UNION ALL
		SELECT 1 FROM intents WHERE folder = ?1 AND moved_from = ?2 AND destination = ?3 AND moved_from <> ''
			AND phase IN ('planned', 'committing')`
)

// KnownAfter returns what the route is known to hold of the paths after one, in their order, and at most limit of them.
// Each page is a snapshot of its own, so that nobody's log grows while a server is asked.
func (s *Store) KnownAfter(ctx context.Context, route Route, after file.Path, limit int) ([]Expected, error) {
	return s.expect(ctx, route, selectKnownAfter, route.Folder, after, route.Destination, limit)
}

// ExpectedAt returns what the route is known to hold of one path; false where that is nothing.
func (s *Store) ExpectedAt(ctx context.Context, route Route, path file.Path) (Expected, bool, error) {
	found, err := s.expect(ctx, route, selectKnown+"WHERE folder = ? AND path = ? AND destination = ?",
		route.Folder, path, route.Destination)
	if err != nil || len(found) == 0 {
		return Expected{}, false, err
	}
	return found[0], true, nil
}

func (s *Store) expect(ctx context.Context, route Route, query string, args ...any) ([]Expected, error) {
	var found []Expected
	err := s.read(ctx, "known of "+route.Folder, func(c *conn) error {
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		found = nil
		err = c.each(func(r row) error {
			k := r.known(route.Folder)
			found = append(found, Expected{
				Route: k.Route, Path: k.Path, RemotePath: k.RemotePath, Size: k.Fingerprint.Size, SHA256: k.SHA256, Known: &k,
			})
			return nil
		}, query, args...)
		for i := range found {
			if err == nil {
				err = found[i].complete(c, past)
			}
		}
		return err
	})
	return found, err
}

const selectMadeDirs = `SELECT path, remote_path, EXISTS (SELECT 1 FROM operations AS o
		WHERE o.folder = d.folder AND o.destination = d.destination AND o.path = d.path AND o.step IN ('mkdir', 'rmdir'))
	FROM dirs AS d WHERE folder = ?1 AND destination = ?2 AND made = 1 `

// MadeDirs returns the directories of a route that were made for themselves, by path.
func (s *Store) MadeDirs(ctx context.Context, route Route) ([]Expected, error) {
	return s.expectDirs(ctx, route, selectMadeDirs+"ORDER BY path", route.Folder, route.Destination)
}

// MadeDir returns one of them; false where it is none.
func (s *Store) MadeDir(ctx context.Context, route Route, path file.Path) (Expected, bool, error) {
	found, err := s.expectDirs(ctx, route, selectMadeDirs+"AND path = ?3", route.Folder, route.Destination, path)
	if err != nil || len(found) == 0 {
		return Expected{}, false, err
	}
	return found[0], true, nil
}

func (s *Store) expectDirs(ctx context.Context, route Route, query string, args ...any) ([]Expected, error) {
	var found []Expected
	err := s.read(ctx, "directories of "+route.Folder, func(c *conn) error {
		found = nil
		return c.each(func(r row) error {
			found = append(found, Expected{Route: route, Path: r.path(0), RemotePath: r.text(1), Leaves: r.bool(2), Dir: true})
			return nil
		}, query, args...)
	})
	return found, err
}

// PublishedAfter returns the newest receipts of the names after one, in their order, where those are of the route's folder.
// It goes through at most limit names and returns the last of them, "" where there are no more.
func (s *Store) PublishedAfter(ctx context.Context, route Route, after string, limit int) (found []Expected, last string, err error) {
	err = s.read(ctx, "published to "+route.Destination, func(c *conn) error {
		found, last = nil, ""
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		newest := map[string]int64{}
		for _, at := range past.spans(DestinationName, route.Destination) {
			err := c.each(func(r row) error {
				newest[r.text(0)] = max(newest[r.text(0)], r.int(1))
				return nil
			}, selectNewestAfter, at.name, after, at.after, at.upto, limit)
			if err != nil {
				return err
			}
		}
		names := slices.Sorted(maps.Keys(newest))
		for _, name := range names[:min(limit, len(names))] {
			last = name
			r, _, err := c.one(selectDelivery+"WHERE seq = ?", newest[name])
			if err != nil {
				return err
			}
			if d := past.now(r.delivery()); d.Folder == route.Folder {
				x := ofReceipt(d)
				if err := x.complete(c, past); err != nil {
					return err
				}
				found = append(found, x)
			}
		}
		return nil
	})
	return found, last, err
}

// PublishedAt returns the newest receipt of a name, where that is of the route's folder.
func (s *Store) PublishedAt(ctx context.Context, route Route, name string) (x Expected, found bool, err error) {
	err = s.read(ctx, "published at "+name, func(c *conn) error {
		x, found = Expected{}, false
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		d, err := newestAt(c, past, route.Destination, name)
		if err != nil || d == nil || d.Folder != route.Folder {
			return err
		}
		x, found = ofReceipt(*d), true
		return x.complete(c, past)
	})
	return x, found && err == nil, err
}

func ofReceipt(d Delivery) Expected {
	return Expected{Route: d.Route, Path: d.Path, RemotePath: d.RemotePath, Size: d.Size, SHA256: d.Proof.SHA256, Last: &d}
}

// newestAt returns the newest receipt of a name at a destination, under the names that its route has now; nil where there
// is none.
func newestAt(c *conn, past renamings, destination, name string) (*Delivery, error) {
	for _, at := range past.spans(DestinationName, destination) {
		r, ok, err := c.one(selectDelivery+"WHERE destination = ? AND remote_path = ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
			at.name, name, at.after, at.upto)
		if err != nil {
			return nil, err
		}
		if ok {
			d := past.now(r.delivery())
			return &d, nil
		}
	}
	return nil, nil
}

// complete adds the newest receipt and what is under way.
func (x *Expected) complete(c *conn, past renamings) error {
	if x.Last == nil {
		d, err := newestAt(c, past, x.Destination, x.RemotePath)
		if err != nil {
			return err
		}
		if d != nil && d.Folder == x.Folder && d.Path == x.Path {
			x.Last = d
		}
	}
	ofPath, err := intents(c, selectOpenOfPath, x.Folder, x.Path, x.Destination)
	if err != nil {
		return err
	}
	ofName, err := intents(c, selectOpenOfName, x.Destination, x.RemotePath)
	if err != nil {
		return err
	}
	x.Intents = ofPath
	for _, in := range ofName {
		if !slices.ContainsFunc(ofPath, func(i Intent) bool { return i.ID == in.ID }) {
			x.Intents = append(x.Intents, in)
		}
	}
	_, x.Leaves, err = c.one(selectLeaves, x.Folder, x.Path, x.Destination)
	return err
}

// CountKnownAfter returns how many files the route is known to hold of the paths after one.
func (s *Store) CountKnownAfter(ctx context.Context, route Route, after file.Path) (n int, err error) {
	err = s.read(ctx, "count", func(c *conn) error {
		n, err = counted(c, "SELECT count(*) FROM known WHERE folder = ? AND path > ? AND destination = ?", route.Folder, after, route.Destination)
		return err
	})
	return n, err
}

// CountPublishedAfter returns how many names after one have a receipt of the route.
func (s *Store) CountPublishedAfter(ctx context.Context, route Route, after string) (n int, err error) {
	err = s.read(ctx, "count", func(c *conn) error {
		past, err := s.renamed.in(c)
		if err != nil {
			return err
		}
		there, names := called("destination", past.spans(DestinationName, route.Destination))
		here, more := called("+folder", past.spans(FolderName, route.Folder))
		n, err = counted(c, "SELECT count(DISTINCT remote_path) FROM deliveries WHERE remote_path > ? AND "+there+" AND "+here,
			slices.Concat([]any{after}, names, more)...)
		return err
	})
	return n, err
}

func counted(c *conn, query string, args ...any) (int, error) {
	r, ok, err := c.one(query, args...)
	if err != nil || !ok {
		return 0, err
	}
	return int(r.int(0)), nil
}
