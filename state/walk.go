package state

import (
	"context"
	"errors"
	"iter"

	"github.com/dropferry/dropferry/file"
)

// checkEvery is how many rows a long read goes through before it looks whether it is still wanted.
const checkEvery = 256

const selectKnown = `SELECT path, destination, size, mtime, ctime, dev, ino, racy, sha256, remote_path, owned FROM known `

const knownPath = 0 // its column

func (r row) known(folder string) Known {
	return Known{
		Route:       Route{Folder: folder, Destination: r.text(1)},
		Path:        r.path(knownPath),
		Fingerprint: r.fingerprint(2),
		Racy:        r.bool(7),
		SHA256:      r.blob(8),
		RemotePath:  r.text(9),
		Owned:       r.bool(10),
	}
}

// Both queries of a walk follow an index, so that nothing is sorted or held.
const (
	walkKnown   = selectKnown + "WHERE folder = ? ORDER BY path, destination"
	walkIntents = selectIntent + "WHERE folder = ? ORDER BY path, seq"

	walkKnownBelow   = selectKnown + "WHERE folder = ? AND path > ? AND path < ? ORDER BY path, destination"
	walkIntentsBelow = selectIntent + "WHERE folder = ? AND path > ? AND path < ? ORDER BY path, seq"
)

// Walk yields every path of the folder that has a known file or an intent, in byte-wise order. All of it is one
// snapshot, whatever is written meanwhile. It holds one path at a time. An error is yielded last, with an empty Record.
//
// The log cannot shrink while a walk is open, so its consumer does not dawdle.
func (s *Store) Walk(ctx context.Context, folder string) iter.Seq2[Record, error] {
	return s.WalkBelow(ctx, folder, "")
}

// WalkBelow is Walk for what lies in a directory of the folder and below it; "" is the folder itself.
func (s *Store) WalkBelow(ctx context.Context, folder string, dir file.Path) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		err := s.readAlong(ctx, "walk "+folder, func(c *conn) error {
			return walk(ctx, c, folder, dir, func(r Record) bool { return yield(r, nil) })
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(Record{}, err)
		}
	}
}

// errEnough ends a walk whose consumer wants no more.
var errEnough = errors.New("enough")

func walk(ctx context.Context, c *conn, folder string, dir file.Path, yield func(Record) bool) (err error) {
	ofKnown, ofIntents, args := walkKnown, walkIntents, []any{folder}
	if dir != "" {
		ofKnown, ofIntents, args = walkKnownBelow, walkIntentsBelow, []any{folder, dir + "/", dir + "0"} // "0" comes after "/"
	}
	known, err := c.query(ofKnown, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, known.close()) }()
	intents, err := c.query(ofIntents, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, intents.close()) }()

	known.next()
	intents.next()
	for n := 1; known.ok() || intents.ok(); n++ {
		if n%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r := Record{Path: nextPath(known, intents)}
		for known.ok() && known.row.path(knownPath) == r.Path {
			r.Known = append(r.Known, known.row.known(folder))
			known.next()
		}
		for intents.ok() && intents.row.path(intentPath) == r.Path {
			r.Intents = append(r.Intents, intents.row.intent())
			intents.next()
		}
		// What could not be read must not pass for what is not known.
		if known.failed() || intents.failed() {
			return nil // close tells the error
		}
		if !yield(r) {
			return errEnough
		}
	}
	return nil
}

// nextPath returns the lower of the paths at which the two cursors stand.
func nextPath(known, intents *cursor) file.Path {
	switch {
	case !intents.ok():
		return known.row.path(knownPath)
	case !known.ok():
		return intents.row.path(intentPath)
	default:
		return min(known.row.path(knownPath), intents.row.path(intentPath))
	}
}

// Lookup returns what the store knows of one path of the folder; a path that it does not know has an empty Record.
func (s *Store) Lookup(ctx context.Context, folder string, path file.Path) (Record, error) {
	var r Record
	err := s.read(ctx, "look up "+string(path), func(c *conn) error {
		r = Record{Path: path}
		err := c.each(func(row row) error {
			r.Known = append(r.Known, row.known(folder))
			return nil
		}, selectKnown+"WHERE folder = ? AND path = ? ORDER BY destination", folder, path)
		if err != nil {
			return err
		}
		r.Intents, err = intents(c, selectIntent+"WHERE folder = ? AND path = ? ORDER BY seq", folder, path)
		return err
	})
	return r, err
}
