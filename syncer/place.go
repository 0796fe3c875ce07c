package syncer

import (
	"iter"
	"path"
	"slices"
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
