package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestRetry(t *testing.T) {
	orders := Route{Folder: "orders", Destination: "acme"}
	for _, test := range []struct {
		name  string
		which func(ids map[string]string) Selection
		want  Retried
	}{
		{"a folder", func(map[string]string) Selection { return Selection{Folder: "invoices"} }, Retried{Released: 4, Hastened: 2}},
		{"a destination", func(map[string]string) Selection { return Selection{Destination: "acme"} }, Retried{Released: 4, Hastened: 2}},
		{"a route", func(map[string]string) Selection { return Selection{Folder: "invoices", Destination: "acme"} }, Retried{Released: 2, Hastened: 1}},
		{"a held one", func(ids map[string]string) Selection { return Selection{ID: ids["held"]} }, Retried{Released: 1}},
		{"one that waits", func(ids map[string]string) Selection { return Selection{ID: ids["waits"]} }, Retried{Hastened: 1}},
		{"one that is due", func(ids map[string]string) Selection { return Selection{ID: ids["due"]} }, Retried{}},
		{"none", func(map[string]string) Selection { return Selection{ID: "nobody"} }, Retried{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			ids := map[string]string{} // of the first route
			for _, r := range []Route{orders, second, route} {
				for name, f := range map[string]Failure{
					"held": {Err: "theirs", Phase: Held, Own: true}, "parked": {Err: "no", Phase: Parked, Own: true},
					"waits": {Err: "no", Next: time.Now().Add(time.Hour), Own: true}, "due": {Err: "no"},
				} {
					in := planOne(t, s, intentFor(r, file.Path(r.Folder+"-"+name)))
					ids[name] = in.ID
					if err := s.Fail(t.Context(), in.ID, f); err != nil {
						t.Fatal(err)
					}
				}
			}
			got, err := s.Retry(t.Context(), test.which(ids), false)
			if err != nil || got != test.want {
				t.Errorf("%+v, %v, want %+v", got, err, test.want)
			}
			again, err := s.Retry(t.Context(), test.which(ids), false)
			if err != nil || again != (Retried{}) {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

// A permission is for what was held when it was given, and lasts until the next word of a person.
func TestPermissionToOverwrite(t *testing.T) {
	s := newStore(t)
	held, parked := inPhase(t, s, Held), inPhase(t, s, Parked)
	which := Selection{Folder: route.Folder}
	if _, err := s.Retry(t.Context(), which, true); err != nil {
		t.Fatal(err)
	}
	if !stored(t, s, held.ID).Overwrite || stored(t, s, parked.ID).Overwrite {
		t.Error("the permission is not that of the held one alone")
	}
	if _, err := s.Retry(t.Context(), which, false); err != nil {
		t.Fatal(err)
	}
	if !stored(t, s, held.ID).Overwrite {
		t.Error("a retry of what is planned has taken the permission away")
	}
	if err := s.Fail(t.Context(), held.ID, Failure{Err: "theirs", Phase: Held}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Retry(t.Context(), which, false); err != nil {
		t.Fatal(err)
	}
	if stored(t, s, held.ID).Overwrite {
		t.Error("held anew, it still has the permission")
	}
}

func TestReleaseAs(t *testing.T) {
	s := newStore(t)
	in := inPhase(t, s, Held)
	taken := planOne(t, s, intentFor(route, "taken"))
	if ok, other, err := s.ReleaseAs(t.Context(), in.ID, taken.Final, "/incoming/.temp"); ok || other != taken.ID || err != nil {
		t.Errorf("a name that is taken: %t, %s, %v", ok, other, err)
	}
	same(t, "then", Held, stored(t, s, in.ID).Phase)
	if ok, other, err := s.ReleaseAs(t.Context(), in.ID, "/incoming/b", "/incoming/.b"); !ok || other != "" || err != nil {
		t.Fatal(ok, other, err)
	}
	got := stored(t, s, in.ID)
	if got.Phase != Planned || got.Final != "/incoming/b" || got.Temp != "/incoming/.b" || got.Version != in.Version {
		t.Errorf("%+v", got)
	}
	// The temp of the old name is swept, and later that of the new one too.
	if ok, err := s.Drop(t.Context(), in.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	sweeps, err := s.Sweeps(t.Context(), route.Destination, 0)
	if err != nil {
		t.Fatal(err)
	}
	var temps []string
	for _, sweep := range sweeps {
		temps = append(temps, sweep.Temp)
	}
	slices.Sort(temps)
	want := []string{in.Temp, "/incoming/.b"}
	slices.Sort(want)
	same(t, "sweeps", want, temps)
}

func TestCancel(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a"))
	elsewhere := planOne(t, s, intentFor(second, "a"))
	again := intentFor(route, "b")
	again.Source = "/srv/sent/b"
	planOne(t, s, again)
	same(t, "the source", again, stored(t, s, again.ID))
	was, err := s.Cancel(t.Context(), Selection{Destination: route.Destination})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "cancelled", []string{in.ID, again.ID}, ids(was))
	gone(t, s, again.ID)
	if got := stored(t, s, in.ID); got.Phase != Cancelled || got.Temp != "" || got.Fingerprint != in.Fingerprint {
		t.Errorf("%+v", got)
	}
	same(t, "elsewhere", elsewhere, stored(t, s, elsewhere.ID))
	sweeps, err := s.Sweeps(t.Context(), route.Destination, 0)
	if err != nil || len(sweeps) != 2 {
		t.Errorf("sweeps: %v, %v", sweeps, err)
	}
	due, err := s.Due(t.Context(), route.Destination, noon, 0, nil)
	if err != nil || len(due) != 0 {
		t.Errorf("due: %v, %v", due, err)
	}
	counts, err := s.Counts(t.Context())
	if err != nil || len(counts) != 2 || counts[0].Cancelled != 1 || counts[0].Planned != 0 {
		t.Errorf("counts: %+v, %v", counts, err)
	}

	// It holds its name no longer, and a newer version takes its place.
	next := intentFor(route, "a")
	got, err := s.Plan(t.Context(), []Plan{{Intent: next, Supersedes: in.ID}})
	if err != nil || !got[0].OK {
		t.Fatal(got, err)
	}
	gone(t, s, in.ID)
}

// A version with a cancelled route never counts as ended: its source stays.
func TestCancelledVersionDoesNotEnd(t *testing.T) {
	s := newStore(t)
	first := planOne(t, s, intentFor(route, "a"))
	other := intentFor(second, "a")
	other.Version = first.Version
	planOne(t, s, other)
	deliver(t, s, first, false)
	if _, err := s.Cancel(t.Context(), Selection{ID: other.ID}); err != nil {
		t.Fatal(err)
	}
	if _, ended, err := s.VersionEnded(t.Context(), first.Version); ended || err != nil {
		t.Errorf("ended: %t, %v", ended, err)
	}
	if all, err := s.Ended(t.Context(), route.Folder, 0); len(all) != 0 || err != nil {
		t.Errorf("ended: %v, %v", all, err)
	}
	if err := s.CloseVersion(t.Context(), first.Version, true); err == nil {
		t.Error("it could be closed")
	}
}

func TestArchivedAt(t *testing.T) {
	s := newStore(t)
	planned, elsewhere, kept := intentFor(route, "a"), intentFor(route, "b"), intentFor(route, "c")
	kept.Archive = ""
	for _, in := range []Intent{planned, elsewhere, kept} {
		deliver(t, s, planOne(t, s, in), false)
	}
	if err := s.SaveArchived(t.Context(), elsewhere.Version, "/srv/sent/b.1"); err != nil {
		t.Fatal(err)
	}
	for _, in := range []Intent{planned, elsewhere, kept} {
		if err := s.CloseVersion(t.Context(), in.Version, true); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{planned.ID: planned.Archive, elsewhere.ID: "/srv/sent/b.1", kept.ID: "", "nobody": ""} {
		if got, err := s.ArchivedAt(t.Context(), id); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", id, got, err, want)
		}
	}
	if d, ok, err := s.Receipt(t.Context(), planned.ID); !ok || err != nil || d.RemotePath != planned.Final {
		t.Errorf("receipt: %+v, %t, %v", d, ok, err)
	}
	if _, ok, err := s.Receipt(t.Context(), "nobody"); ok || err != nil {
		t.Errorf("receipt of nobody: %t, %v", ok, err)
	}
}

// What is sent again says nothing of the folder's file.
func TestResentFileIsNotKnown(t *testing.T) {
	s := newStore(t)
	in := intentFor(route, "a")
	in.Source = "/srv/sent/a"
	deliver(t, s, planOne(t, s, in), true)
	gone(t, s, in.ID)
	if k := knownAt(t, s, route, in.Path); k != nil {
		t.Errorf("known: %+v", k)
	}
	if _, ok, err := s.Receipt(t.Context(), in.ID); !ok || err != nil {
		t.Errorf("receipt: %t, %v", ok, err)
	}
}
