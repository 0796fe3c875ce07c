package agent

import (
	"context"
	"encoding/hex"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// attentionShown is how many files are named that wait for a person; the folders count all of them.
const attentionShown = 50

// showAttention adds the files that wait for a person.
func showAttention(ctx context.Context, s *control.Status, store *state.Store) error {
	waiting, err := store.Intents(ctx, "", "", attentionShown, state.Held, state.Parked)
	if err != nil {
		return err
	}
	for i := range waiting {
		a := viewAttention(&waiting[i])
		if err := showSides(ctx, store, &waiting[i], &a); err != nil {
			return err
		}
		s.Attention = append(s.Attention, a)
	}
	return nil
}

// conflictReader reads what stands in the way of an intent.
type conflictReader interface {
	ConflictOf(ctx context.Context, id string) (state.Conflict, bool, error)
}

// showSides adds what a person has to decide between.
func showSides(ctx context.Context, store conflictReader, in *state.Intent, a *control.Attention) error {
	if in.Phase != state.Held {
		return nil
	}
	x, found, err := store.ConflictOf(ctx, in.ID)
	if err != nil || !found {
		return err
	}
	a.Ours = &control.Copy{
		Kind: state.ConflictFile, Size: in.Fingerprint.Size, ModTime: moment(in.Fingerprint.Modified()), SHA256: hex.EncodeToString(x.Ours),
	}
	a.Theirs = &control.Copy{Kind: x.Kind}
	if x.Kind == state.ConflictFile {
		a.Theirs.Size, a.Theirs.ModTime, a.Theirs.SHA256 = x.Size, moment(x.ModTime), hex.EncodeToString(x.SHA256)
	}
	return nil
}

func viewAttention(in *state.Intent) control.Attention {
	since := in.FailedAt
	if since.IsZero() {
		since = in.ReadyAt
	}
	a := control.Attention{
		ID: in.ID, Folder: in.Folder, Destination: in.Destination, Path: string(in.Path), PathB64: raw(in.Path), RemotePath: in.Final,
		Size: in.Fingerprint.Size, State: string(in.Phase), Reason: in.LastError, Since: since.UTC(),
	}
	switch in.Phase {
	case state.Planned, state.Committing:
		a.State = "failed"
	case state.Held:
		a.Hint = strings.TrimPrefix(heldHint(in.ID), "; ")
	case state.Parked:
		a.Hint = parkedHint(in.ID)
	}
	return a
}

// intentReader reads intents.
type intentReader interface {
	conflictReader
	Intents(ctx context.Context, folder, destination string, limit int, phases ...state.Phase) ([]state.Intent, error)
}

// failed returns what is not delivered and has failed, the newest failures first.
func failed(ctx context.Context, store intentReader, f state.Filter) ([]control.Attention, error) {
	all, err := store.Intents(ctx, f.Folder, f.Destination, 0, state.Held, state.Parked, state.Planned, state.Committing)
	if err != nil {
		return nil, err
	}
	found, of := []control.Attention{}, map[string]*state.Intent{}
	for i := range all {
		in := &all[i]
		open := in.Phase == state.Planned || in.Phase == state.Committing
		if open && in.LastError == "" || f.Match != nil && !f.Match(in.Path) {
			continue
		}
		if a := viewAttention(in); !a.Since.Before(f.Since) {
			found, of[a.ID] = append(found, a), in
		}
	}
	slices.SortStableFunc(found, func(x, y control.Attention) int { return y.Since.Compare(x.Since) })
	if f.Limit > 0 && len(found) > f.Limit {
		found = found[:f.Limit]
	}
	for i := range found {
		if err := showSides(ctx, store, of[found[i].ID], &found[i]); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// matching returns what tells the paths that a pattern is about, by the rules of include. A pattern that makes no sense is a
// *control.Refusal.
func matching(pattern string) (func(file.Path) bool, error) {
	if !doublestar.ValidatePattern(pattern) {
		return nil, usage("%q is not a valid pattern: write *.xml, or 2026/**/*.xml", pattern)
	}
	whole := strings.Contains(pattern, "/")
	return func(p file.Path) bool {
		name := string(p)
		if !whole {
			name = path.Base(name)
		}
		return doublestar.MatchUnvalidated(pattern, name)
	}, nil
}
