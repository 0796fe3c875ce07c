package state

import (
	"context"
	"time"
)

// Conflict is what stands at the final name of an intent that is held because of it, as it was when it was last looked at.
type Conflict struct {
	Kind    string    // ConflictFile, ConflictDir or ConflictOther
	Size    int64     // of a file, as are the next two
	ModTime time.Time // whole seconds
	SHA256  []byte    // nil where it is not known
	Ours    []byte    // SHA-256 of what was to be published; nil where that is not known
}

// What can stand there.
const (
	ConflictFile  = "file"
	ConflictDir   = "directory"
	ConflictOther = "other"
)

func saveConflict(c *conn, id string, x *Conflict) error {
	_, err := c.exec(`INSERT OR REPLACE INTO conflicts (intent, kind, size, mtime, sha256, ours) SELECT id, ?2, ?3, ?4, ?5, ?6 FROM intents WHERE id = ?1`,
		id, x.Kind, x.Size, x.ModTime, x.SHA256, x.Ours)
	return err
}

// ConflictOf returns what stands at the final name of an intent, if it is held because of that.
func (s *Store) ConflictOf(ctx context.Context, id string) (x Conflict, found bool, err error) {
	err = s.read(ctx, "what stands in the way of "+id, func(c *conn) error {
		r, ok, err := c.one("SELECT kind, size, mtime, sha256, ours FROM conflicts WHERE intent = ?", id)
		if found = ok && err == nil; found {
			x = Conflict{Kind: r.text(0), Size: r.int(1), ModTime: r.time(2), SHA256: r.blob(3), Ours: r.blob(4)}
		}
		return err
	})
	return x, found && err == nil, err
}
