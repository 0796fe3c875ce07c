package syncer

import (
	"context"
	"iter"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// A mirror has one directory at its destination. When the configuration names another one, what is known to be in the old
// one is not known to be in the new one, and the mirror is planned anew. An outbox never looks back: what it has delivered
// is delivered, wherever it would go today.

// places tell where the files of a mirror belong, by destination; nil of an outbox.
type places map[string]func(file.Path, time.Time) string

func (f *Folder) places() places {
	if !f.Mirror {
		return nil
	}
	at := make(places, len(f.Routes))
	for _, r := range f.Routes {
		at[r.Destination] = r.RemotePath
	}
	return at
}

// elsewhere tells whether a remote path is not in the directory where a file belongs. The name in it may be another, where
// a person wanted that.
func (at places) elsewhere(destination string, p file.Path, remotePath string) bool {
	remotePathOf, ok := at[destination]
	if !ok {
		return false
	}
	dir, _ := path.Split(remotePath)
	belongs, _ := path.Split(remotePathOf(p, time.Time{})) // templates of a mirror hold nothing of the day
	return dir != belongs
}

// renamedBy tells whether names are written in another way at a destination than when a remote path was given to a file: one
// of the two is as it is in the folder, and the other is not.
func renamedBy(p file.Path, before, now string) bool {
	plain := func(remotePath string) bool {
		return remotePath == string(p) || strings.HasSuffix(remotePath, "/"+string(p))
	}
	return before != now && plain(before) != plain(now)
}

// leftUnder returns where the destination keeps an earlier version of a mirror's file under the name that `names` gave it
// before; "" where there is none. Nobody takes it away: what the file is known by from now on is the new name.
func (d *delivery) leftUnder(ctx context.Context) (string, error) {
	if !d.folder.Mirror || d.intent.Source != "" || d.intent.MovedFrom != "" {
		return "", nil
	}
	record, err := d.store.Lookup(ctx, d.intent.Folder, d.intent.Path)
	if err != nil {
		return "", err
	}
	route, ok := d.folder.route(d.intent.Destination)
	k := knownOf(record, d.intent.Destination)
	if !ok || k == nil || !k.Owned || d.intent.Final != route.RemotePath(d.intent.Path, time.Time{}) || !renamedBy(d.intent.Path, k.RemotePath, d.intent.Final) {
		return "", nil
	}
	return k.RemotePath, nil
}

// tellLeft tells of what stays under an earlier name.
func (d *delivery) tellLeft(name string) {
	if name == "" {
		return
	}
	e := eventOf(EventKept, &d.intent)
	e.At, e.RemotePath = d.now(), name
	e.Reason = "names gives the file another name there now: " + path.Base(d.intent.Final) + "; remove the earlier one at the destination, if it is not to stay"
	d.observe(e)
}

// of returns a record without what is known of other places. What is to be published in another place counts as another
// version, which a newer one supersedes.
func (at places) of(r state.Record) state.Record {
	if at == nil {
		return r
	}
	if slices.ContainsFunc(r.Known, func(k state.Known) bool { return at.elsewhere(k.Destination, r.Path, k.RemotePath) }) {
		r.Known = slices.DeleteFunc(slices.Clone(r.Known), func(k state.Known) bool { return at.elsewhere(k.Destination, r.Path, k.RemotePath) })
	}
	for i := range r.Intents {
		switch in := &r.Intents[i]; in.Phase {
		case state.Planned, state.Held, state.Parked:
			if in.Source == "" && at.elsewhere(in.Destination, r.Path, in.Final) {
				in.Fingerprint = file.Fingerprint{}
			}
		}
	}
	return r
}

// all is of for all records of a walk.
func (at places) all(known iter.Seq2[state.Record, error]) iter.Seq2[state.Record, error] {
	if at == nil {
		return known
	}
	return func(yield func(state.Record, error) bool) {
		for r, err := range known {
			if !yield(at.of(r), err) {
				return
			}
		}
	}
}
