package syncer

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

func mirrorTo(dir string) *Folder {
	return &Folder{Name: "out", Mirror: true, Routes: []Route{{
		Destination: "acme",
		RemotePath:  func(p file.Path, _ time.Time) string { return dir + string(p) },
	}}}
}

func TestElsewhere(t *testing.T) {
	for _, row := range []struct {
		dir, path, remote string
		want              bool
	}{
		{"/in/", "a", "/in/a", false},
		{"/in/", "sub/a", "/in/sub/a", false},
		{"/in/", "sub/a", "/in/sub/a.conflict-20261120T120000Z", false},
		{"/in/", "a", "/old/a", true},
		{"/in/", "a", "/in/sub/a", true},
		{"/in/", "sub/a", "/in/a", true},
		{"/in/", "a", "/inner/a", true},
		{"/in/", "a", "in/a", true},
		{"", "a", "a", false},
		{"", "sub/a", "sub/a", false},
		{"", "a", "in/a", true},
		{"/", "a", "/a", false},
	} {
		if got := mirrorTo(row.dir).places().elsewhere("acme", file.Path(row.path), row.remote); got != row.want {
			t.Errorf("%q in %q at %q: %t", row.path, row.dir, row.remote, got)
		}
	}
	outbox := mirrorTo("/in/")
	outbox.Mirror = false
	if outbox.places().elsewhere("acme", "a", "/old/a") || mirrorTo("/in/").places().elsewhere("other", "a", "/old/a") {
		t.Error("of an outbox, or of no route of the folder")
	}
}

func TestRecordsOfPlaces(t *testing.T) {
	route, other := state.Route{Folder: "out", Destination: "acme"}, state.Route{Folder: "out", Destination: "gone"}
	print := file.Fingerprint{Size: 1}
	r := state.Record{
		Path: "a",
		Known: []state.Known{
			{Route: route, RemotePath: "/old/a"}, {Route: other, RemotePath: "/old/a"},
		},
	}
	for _, phase := range []state.Phase{state.Planned, state.Held, state.Parked, state.Committing, state.Delivered, state.Cancelled} {
		r.Intents = append(r.Intents, state.Intent{Route: route, Phase: phase, Final: "/old/a", Fingerprint: print})
	}
	r.Intents = append(r.Intents, state.Intent{Route: route, Phase: state.Planned, Final: "/in/a", Fingerprint: print},
		state.Intent{Route: route, Phase: state.Planned, Final: "/old/a", Source: "/x", Fingerprint: print})
	kept := r.Known
	got := mirrorTo("/in/").places().of(r)
	if len(got.Known) != 1 || got.Known[0].Route != other || len(kept) != 2 || kept[0].Route != route {
		t.Errorf("known: %+v", got.Known)
	}
	for i, in := range got.Intents {
		if another := in.Fingerprint != print; another != (i < 3) {
			t.Errorf("%+v counts as another version: %t", in, another)
		}
	}
	d := Decide(Local{Present: true, Ready: true, Fingerprint: print}, nil, &got.Intents[0], false)
	if d.Op != Upload || d.Reason != ReasonNew {
		t.Errorf("%+v", d)
	}
}

// TestAnotherNameLeavesTheEarlierOne switches the names of a mirror: what goes up under the new name is told to have left an
// earlier version under the old one.
func TestAnotherNameLeavesTheEarlierOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.to("acme", sftptest.ServerOptions{})
	r.mirrors("")
	r.drop("a:b", "1")
	r.drop("c:d/e", "2")
	r.drop("plain", "3")
	r.once()
	r.folder.Routes[0].RemotePath = func(p file.Path, _ time.Time) string { return "in/" + strings.ReplaceAll(string(p), ":", "_") }
	r.drop("a:b", "changed")
	r.drop("plain", "changed too")
	r.once()
	r.wantInbox("acme", map[string]string{"a:b": "1", "a_b": "changed", "c:d/e": "2", "c_d/e": "2", "plain": "changed too"})
	left := map[string]string{}
	for _, e := range r.events.of(EventKept) {
		left[string(e.Path)] = e.RemotePath
		if !strings.Contains(e.Reason, "names") {
			t.Errorf("told: %+v", e)
		}
	}
	if want := map[string]string{"a:b": "in/a:b", "c:d/e": "in/c:d/e"}; !maps.Equal(left, want) {
		t.Errorf("told of %q, want %q", left, want)
	}
}

func TestRenamedBy(t *testing.T) {
	for _, row := range []struct {
		path, before, now string
		want              bool
	}{
		{"a", "/in/a", "/in/a", false},
		{"a:b", "/in/a:b", "/in/a_b", true},
		{"a:b", "/in/a_b", "/in/a:b", true},
		{"c:d/e", "c:d/e", "c_d/e", true},
		{"sub/a", "/old/sub/a", "/in/sub/a", false}, // another directory, which is what was asked for
		{"a:b", "/old/a_b", "/in/a_b", false},
	} {
		if got := renamedBy(file.Path(row.path), row.before, row.now); got != row.want {
			t.Errorf("%q at %q, then at %q: %t", row.path, row.before, row.now, got)
		}
	}
}
