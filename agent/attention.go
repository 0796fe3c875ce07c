package agent

import (
	"context"
	"path"
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
		in := &waiting[i]
		since := in.FailedAt
		if since.IsZero() {
			since = in.ReadyAt
		}
		s.Attention = append(s.Attention, control.Attention{
			ID: in.ID, Folder: in.Folder, Destination: in.Destination, Path: string(in.Path), PathB64: raw(in.Path), RemotePath: in.Final,
			Size: in.Fingerprint.Size, State: string(in.Phase), Reason: in.LastError, Since: since.UTC(),
		})
	}
	return nil
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
