package syncer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// changed is the rig's folder with its files elsewhere.
func (r *rig) changed(dir string) *Folder {
	f := *r.folder
	f.Routes = slices.Clone(f.Routes)
	for i := range f.Routes {
		f.Routes[i].RemotePath = func(p file.Path, _ time.Time) string { return dir + string(p) }
	}
	return &f
}

// replacement is what the rig has, with these folders.
func (r *rig) replacement(folders ...*Folder) Replacement {
	return Replacement{Folders: folders, Destinations: r.options.Destinations, Grace: waitLimit, MaxTransfers: 3}
}

// TestReplaceLetsLinksGoOn gives a folder new rules: its files take the new way over the same connection, and another
// folder's planner stays.
func TestReplaceLetsLinksGoOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.must(os.Mkdir(filepath.Join(s.Dir, "new"), 0o755))
	other := &Folder{Name: "other", Root: r.at("other"), After: Keep, Hint: func(file.Path) {}}
	r.options.Folders = append(r.options.Folders, other)
	r.drop("a", "1")
	r.deliver("a")
	old, kept := r.syncer.Planner("out"), r.syncer.Planner("other")

	r.syncer.Replace(r.replacement(r.changed("new/"), other))
	if r.syncer.Planner("out") == old || r.syncer.Planner("other") != kept {
		t.Error("not the planner of that folder alone is another")
	}
	if n := r.syncer.common.Load().slots.most; n != 3 {
		t.Errorf("%d slots", n)
	}
	r.drop("b", "2")
	r.must(r.syncer.Planner("out").Scan(t.Context(), slices.Values(r.entries())))
	r.await(EventDelivered, "b", "acme")
	if content, err := os.ReadFile(filepath.Join(s.Dir, "new", "b")); err != nil || string(content) != "2" {
		t.Errorf("b: %q, %v", content, err)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "new", "a")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a was sent again: %v", err)
	}
	if n := s.Stats().Connections; n != 1 {
		t.Errorf("%d connections", n)
	}
}

// TestReplaceStartsNewLinks stops a link and lets another one take its place.
func TestReplaceStartsNewLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	r.drop("a", "1")
	r.deliver("a")
	r.syncer.Stop([]string{"acme", "nobody"})
	if at := r.syncer.Status(); len(at) != 1 || at[0].Connected {
		t.Errorf("stopped: %+v", at)
	}
	next := r.replacement(r.folder)
	next.Fresh = map[string]bool{"acme": true}
	r.syncer.Replace(next)
	r.drop("b", "2")
	r.scan()
	r.await(EventDelivered, "b", "acme")
	if n := s.Stats().Connections; n != 2 {
		t.Errorf("%d connections", n)
	}
	r.syncer.Stop([]string{"acme"})
	next.Destinations = nil
	r.syncer.Replace(next)
	if at := r.syncer.Status(); len(at) != 0 {
		t.Errorf("links: %+v", at)
	}
	r.stop()
	next.Destinations = r.options.Destinations
	r.syncer.Replace(next) // too late: nothing begins
	if n := s.Stats().Connections; n != 2 {
		t.Errorf("%d connections after the end", n)
	}
}

// TestFinishResolvesAndSweeps brings what may be published to its end and removes temps, and begins nothing else.
func TestFinishResolvesAndSweeps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.to("acme", sftptest.ServerOptions{})
	planned, committing, dropped := r.plan("planned", "1")[0], r.plan("committing", "2")[0], r.plan("dropped", "3")[0]
	r.uploaded(s, &committing)
	r.must(os.WriteFile(filepath.Join(s.Dir, dropped.Temp), []byte("part"), 0o600))
	if ok, err := r.store.Drop(t.Context(), dropped.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.syncer = New(r.options)
	r.must(r.syncer.Finish(t.Context(), []string{"acme", "nobody"}))
	r.await(EventDelivered, "committing", "acme")
	r.wantInbox("acme", map[string]string{"committing": "2"})
	if in := r.intent("planned"); in.ID != planned.ID || in.Phase != state.Planned {
		t.Errorf("planned: %+v", in)
	}
	n := s.Stats().Connections
	r.must(r.syncer.Finish(t.Context(), []string{"acme"})) // there is nothing left to do
	if more := s.Stats().Connections; more != n {
		t.Errorf("%d connections more", more-n)
	}
}

// TestFinishThatReachesNobody leaves everything in the store.
func TestFinishThatReachesNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", func(context.Context) (Session, error) { return nil, errors.New("nobody is there") })
	in := r.plan("committing", "2")[0]
	if ok, err := r.store.Commit(t.Context(), in.ID, state.Proof{SHA256: []byte("x")}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r.syncer = New(r.options)
	r.must(r.syncer.Finish(t.Context(), []string{"acme"}))
	if got := r.intent("committing"); got.Phase != state.Committing {
		t.Errorf("%+v", got)
	}
}

// TestAQueuedFileOfARemovedRouteIsNotBegun looks again before a file's turn: the configuration may have changed since it
// was fetched.
func TestAQueuedFileOfARemovedRouteIsNotBegun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	in := r.plan("a", "1")[0]
	r.syncer = New(r.options)
	l := r.syncer.link("acme")
	if err := l.mayBegin(t.Context(), &in); err != nil {
		t.Error(err)
	}
	without := *r.folder
	without.Routes = nil
	r.syncer.Replace(r.replacement(&without))
	if err := l.mayBegin(t.Context(), &in); !errors.Is(err, errSuperseded) {
		t.Errorf("planned: %v", err)
	}
	in.Phase = state.Committing
	if err := l.mayBegin(t.Context(), &in); err != nil {
		t.Errorf("committing: %v", err)
	}
}
