package state

import (
	"context"
	"errors"
)

var errNotDelivered = errors.New("not every intent of the version is delivered")

const (
	selectVersion = selectIntent + "WHERE version = ? ORDER BY seq"
	// Those that could not be taken away before come last, so that they keep nobody waiting.
	selectEnded = `SELECT version FROM intents AS i WHERE folder = ? AND phase = 'delivered'
		AND NOT EXISTS (SELECT 1 FROM intents AS o WHERE o.version = i.version AND o.phase <> 'delivered')
		ORDER BY next_attempt, seq`
)

// Ended returns the versions of the folder whose intents are all delivered, so that their source may be taken away, and
// at most limit of them where that is above 0.
func (s *Store) Ended(ctx context.Context, folder string, limit int) ([][]Intent, error) {
	var ended [][]Intent
	err := s.read(ctx, "ended in "+folder, func(c *conn) error {
		versions, err := endedVersions(c, folder, limit)
		if err != nil {
			return err
		}
		for _, v := range versions {
			all, err := intents(c, selectVersion, v)
			if err != nil {
				return err
			}
			ended = append(ended, all)
		}
		return nil
	})
	return ended, err
}

func endedVersions(c *conn, folder string, limit int) ([]string, error) {
	var versions []string
	seen := map[string]bool{}
	cur, err := c.query(selectEnded, folder)
	if err != nil {
		return nil, err
	}
	for (limit <= 0 || len(versions) < limit) && cur.next() {
		if v := cur.row.text(0); !seen[v] {
			seen[v] = true
			versions = append(versions, v)
		}
	}
	return versions, cur.close()
}

// VersionEnded returns all intents of the version, and true where there are any and every one is delivered.
func (s *Store) VersionEnded(ctx context.Context, version string) ([]Intent, bool, error) {
	var all []Intent
	err := s.read(ctx, "version "+version, func(c *conn) (err error) {
		all, err = intents(c, selectVersion, version)
		return err
	})
	return all, err == nil && ended(all), err
}

func ended(all []Intent) bool {
	for _, in := range all {
		if in.Phase != Delivered {
			return false
		}
	}
	return len(all) > 0
}

// CloseVersion removes all intents of the version, which must all be delivered (T4). Where the file's story has ended,
// since it has left the folder, forget removes what is known of it too: the same name is a new file then. A version
// without intents is closed already.
func (s *Store) CloseVersion(ctx context.Context, version string, forget bool) error {
	return s.write(ctx, "close version "+version, func(c *conn) error {
		all, err := intents(c, selectVersion, version)
		if err != nil || len(all) == 0 {
			return err
		}
		if !ended(all) {
			return errNotDelivered
		}
		var going []goes
		if forget {
			for _, in := range all {
				going = append(going, goes{in.Destination, in.Final})
				_, err := c.exec("DELETE FROM known WHERE folder = ? AND path = ? AND destination = ?",
					in.Folder, in.Path, in.Destination)
				if err != nil {
					return err
				}
			}
		}
		if err := knowArchived(c, version); err != nil {
			return err
		}
		if _, err = c.exec("DELETE FROM intents WHERE version = ?", version); err != nil {
			return err
		}
		return s.folds.freeAll(c, going)
	})
}
