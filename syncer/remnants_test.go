package syncer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// leave does what a crash has interrupted: the source is under its private name.
func (r *rig) leave(i *state.Intent) {
	r.Helper()
	r.must(os.Rename(i.Path.In(r.root), r.private(i)))
}

func TestRemnantsOfACrash(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		after  After
		leave  func(r *rig, i *state.Intent)
		folder map[string]string
		sent   map[string]string
		closed bool
		known  bool
		failed string // part of the error
	}{
		{
			"taken, to be archived", Archive, func(r *rig, i *state.Intent) { r.leave(i) },
			nil,
			map[string]string{"a": "old"},
			true, false, "",
		},
		{
			"taken, to be deleted", Delete, func(r *rig, i *state.Intent) { r.leave(i) },
			nil, nil, true, false, "",
		},
		{
			"taken, and the name was dropped again", Archive, func(r *rig, i *state.Intent) { r.leave(i); r.drop("a", "new") },
			map[string]string{"a": "new"},
			map[string]string{"a": "old"},
			true, true, "",
		},
		{
			"archived and not closed", Archive, func(r *rig, i *state.Intent) {
				r.must(os.Mkdir(r.at("sent"), 0o755))
				r.must(os.Rename(r.source("a"), r.at("sent/a")))
			},
			nil,
			map[string]string{"a": "old"},
			true, false, "",
		},
		{
			"deleted and not closed", Delete, func(r *rig, _ *state.Intent) { r.must(os.Remove(r.source("a"))) },
			nil, nil, true, false, "",
		},
		{
			"something else was taken", Archive, func(r *rig, i *state.Intent) { r.drop("a", "new"); r.leave(i) },
			map[string]string{"a": "new"},
			nil, true, true, "",
		},
		{
			"something else was taken, and its name is taken too", Archive, func(r *rig, i *state.Intent) { r.drop("a", "new"); r.leave(i); r.drop("a", "newer") },
			map[string]string{"a": "newer", "private": "new"},
			nil, false, true, "could not be put back",
		},
		{
			"put back by a second name", Archive, func(r *rig, i *state.Intent) { r.must(os.Link(r.source("a"), r.private(i))) },
			nil,
			map[string]string{"a": "old"},
			true, false, "",
		},
		{
			"taken, and the folder keeps its files now", Keep, func(r *rig, i *state.Intent) { r.leave(i) },
			map[string]string{"a": "old"},
			nil, true, true, "",
		},
		{
			"delivered, and the folder keeps its files now", Keep, func(*rig, *state.Intent) {},
			map[string]string{"a": "old"},
			nil, true, true, "",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newStory(t, Archive)
			i := r.delivered("a", "old", remote.ReadBack)[0]
			r.folder.After = row.after
			row.leave(r, &i)
			r.must(New(r.options).Planner("out").Scan(t.Context(), slices.Values([]watcher.Entry{{
				Path: "a", Kind: watcher.File, Fingerprint: i.Fingerprint, // not ready: this is about what was
			}})))
			want := orEmpty(row.folder)
			if content, ok := want["private"]; ok {
				delete(want, "private")
				want[filepath.Base(r.private(&i))] = content
			}
			r.wantFolder(want)
			r.wantSent(orEmpty(row.sent))
			r.wantClosed(&i, row.closed, row.known)
			if row.failed == "" {
				r.wantNone(EventFailed)
			} else if e := r.await(EventFailed, "a", ""); !strings.Contains(e.Reason, row.failed) {
				t.Errorf("failed because of %q", e.Reason)
			}
		})
	}
}

// TestNoRemnantIsDestroyedOnTooLittleEvidence has a crash between, and the rule for evidence changed since.
func TestNoRemnantIsDestroyedOnTooLittleEvidence(t *testing.T) {
	t.Parallel()
	r := newStory(t, Delete)
	i := r.delivered("a", "old", remote.SizeOnly)[0]
	r.leave(&i)
	r.takeAway(i.Version)
	r.wantFolder(map[string]string{"a": "old"})
}
