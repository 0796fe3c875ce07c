package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestPauses(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	folder, server := Route{Folder: "invoices"}, Route{Destination: "globex"}
	for _, what := range []Route{server, route, folder} {
		if since, added, err := s.Pause(t.Context(), what, noon); !added || err != nil || !since.Equal(noon) {
			t.Errorf("pause %v: %s, %t, %v", what, since, added, err)
		}
	}
	if since, added, err := s.Pause(t.Context(), route, noon.Add(time.Hour)); added || err != nil || !since.Equal(noon) {
		t.Errorf("pause again: %s, %t, %v", since, added, err)
	}
	closeStore(t, s)
	s = openAt(t, dir)
	all, err := s.Pauses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after a restart", []Pause{{Route: server, Since: noon}, {Route: folder, Since: noon}, {Route: route, Since: noon}}, all)
	for range 2 { // the second time it is not there
		if _, err := s.Resume(t.Context(), folder); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := s.Resume(t.Context(), Route{Folder: "globex"}); ok || err != nil {
		t.Errorf("resume of what is not paused: %t, %v", ok, err)
	}
	if ok, err := s.Resume(t.Context(), server); !ok || err != nil {
		t.Errorf("resume: %t, %v", ok, err)
	}
	if all, err = s.Pauses(t.Context()); err != nil || len(all) != 1 || all[0].Route != route {
		t.Errorf("left: %v, %v", all, err)
	}
}

// Due, NextDue and Paused must agree with Covers.
func TestWhatAPauseCovers(t *testing.T) {
	other := Route{Folder: "orders", Destination: "acme"}
	routes := []Route{route, second, other}
	for _, test := range []struct {
		pauses []Route
		bound  []Route
	}{
		{nil, nil},
		{[]Route{{Folder: "invoices"}}, []Route{route, second}},
		{[]Route{{Destination: "acme"}}, []Route{route, other}},
		{[]Route{route}, []Route{route}},
		{[]Route{route, other}, []Route{route, other}},
		{[]Route{{Folder: "orders"}, {Destination: "globex"}}, []Route{second, other}},
		{[]Route{{Folder: "orders", Destination: "globex"}, {Folder: "acme"}}, nil},
	} {
		s := newStore(t)
		for _, r := range routes {
			planOne(t, s, intentFor(r, file.Path(r.Folder+"-fresh")))
			commit(t, s, planOne(t, s, intentFor(r, file.Path(r.Folder+"-committing"))))
			for _, at := range []time.Duration{-time.Hour, time.Hour} {
				again := planOne(t, s, intentFor(r, file.Path(r.Folder+at.String())))
				if err := s.Fail(t.Context(), again.ID, Failure{Err: "no", Next: noon.Add(at)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, what := range test.pauses {
			if _, _, err := s.Pause(t.Context(), what, noon); err != nil {
				t.Fatal(err)
			}
		}
		for _, r := range routes {
			bound := slices.Contains(test.bound, r)
			covers := slices.ContainsFunc(test.pauses, func(what Route) bool { return Pause{Route: what}.Covers(r) })
			paused, err := s.Paused(t.Context(), r)
			if err != nil || covers != bound || paused != bound {
				t.Errorf("%v, %v: covers %t, paused %t, %v, want %t", test.pauses, r, covers, paused, err, bound)
			}
		}
		for _, destination := range []string{"acme", "globex"} {
			due, err := s.Due(t.Context(), destination, noon, 0, nil)
			if err != nil {
				t.Fatal(err)
			}
			want, next := 0, false
			for _, r := range routes {
				if r.Destination == destination && !slices.Contains(test.bound, r) {
					want, next = want+3, true
				}
			}
			if len(due) != want || slices.ContainsFunc(due, func(in Intent) bool { return slices.Contains(test.bound, in.Route) }) {
				t.Errorf("%v: %d due at %s, want %d", test.pauses, len(due), destination, want)
			}
			if _, ok, err := s.NextDue(t.Context(), destination, noon); err != nil || ok != next {
				t.Errorf("%v: next due at %s: %t, %v", test.pauses, destination, ok, err)
			}
		}
	}
}

// TestPauseOfAnIntent keeps one intent back, as long as there is one.
func TestPauseOfAnIntent(t *testing.T) {
	s := newStore(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a, b := planOne(t, s, intentFor(route, "a.xml")), planOne(t, s, intentFor(route, "b.xml"))
	may := func(in Intent, want bool) {
		t.Helper()
		got, err := s.MayBegin(t.Context(), in.ID, in.Route)
		must(err)
		if got != want {
			t.Errorf("%s may begin: %v", in.Path, got)
		}
	}
	since, added, err := s.PauseIntent(t.Context(), a.ID, noon)
	must(err)
	if !added || !since.Equal(noon) {
		t.Errorf("paused: %v, %v", added, since)
	}
	since, added, err = s.PauseIntent(t.Context(), a.ID, noon.Add(time.Hour))
	must(err)
	if added || !since.Equal(noon) {
		t.Errorf("paused again: %v, %v", added, since)
	}
	may(a, false)
	may(b, true)
	all, err := s.Pauses(t.Context())
	must(err)
	if want := []Pause{{Route: route, Since: noon, Intent: a.ID, Path: "a.xml", Phase: Planned}}; !slices.Equal(all, want) || all[0].Covers(route) {
		t.Errorf("pauses: %+v, want %+v", all, want)
	}
	at, err := s.PausedAt(t.Context(), route.Destination)
	must(err)
	if !slices.Equal(at, []string{a.ID}) {
		t.Errorf("paused at the destination: %q", at)
	}
	if at, err = s.PausedAt(t.Context(), "another"); err != nil || len(at) != 0 {
		t.Errorf("paused at another: %q, %v", at, err)
	}
	if ended, err := s.ResumeIntent(t.Context(), a.ID); !ended || err != nil {
		t.Error(ended, err)
	}
	if ended, err := s.ResumeIntent(t.Context(), a.ID); ended || err != nil {
		t.Error(ended, err)
	}
	may(a, true)

	// It ends with the intent, and none begins once it may be published.
	_, _, err = s.PauseIntent(t.Context(), a.ID, noon)
	must(err)
	if ok, err := s.Drop(t.Context(), a.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	commit(t, s, b)
	for _, id := range []string{a.ID, b.ID} {
		if since, added, err := s.PauseIntent(t.Context(), id, noon); added || !since.IsZero() || err != nil {
			t.Errorf("%s is paused: %v, %v, %v", id, added, since, err)
		}
	}
	if all, err := s.Pauses(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}

// TestPauseOfAnIntentThatHasEnded is none any more, though the store keeps the intent.
func TestPauseOfAnIntentThatHasEnded(t *testing.T) {
	s := newStore(t)
	delivered, cancelled := planOne(t, s, intentFor(route, "a.xml")), planOne(t, s, intentFor(route, "b.xml"))
	for _, in := range []Intent{delivered, cancelled} {
		if _, added, err := s.PauseIntent(t.Context(), in.ID, noon); !added || err != nil {
			t.Fatal(added, err)
		}
	}
	commit(t, s, delivered) // it was under way
	if all, err := s.Pauses(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("about to be published: %+v, %v", all, err)
	}
	for _, in := range []Intent{delivered, cancelled} { // what becomes of the first has to be found out
		if may, err := s.MayBegin(t.Context(), in.ID, in.Route); may != (in.ID == delivered.ID) || err != nil {
			t.Errorf("%s may begin: %t, %v", in.Path, may, err)
		}
	}
	if at, err := s.PausedAt(t.Context(), route.Destination); !slices.Equal(at, []string{cancelled.ID}) || err != nil {
		t.Errorf("paused at the destination: %q, %v", at, err)
	}
	if ok, err := s.Deliver(t.Context(), delivered.ID, Deliver{At: noon}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if all, err := s.Cancel(t.Context(), Selection{ID: cancelled.ID}); len(all) != 1 || err != nil {
		t.Fatal(all, err)
	}
	if all, err := s.Pauses(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("left: %+v, %v", all, err)
	}
}
