package state

import (
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestPlanRefusesAnOccupiedName(t *testing.T) {
	for _, phase := range []Phase{Planned, Committing, Held, Parked} {
		t.Run(string(phase), func(t *testing.T) {
			s := newStore(t)
			first := inPhase(t, s, phase)
			same := intentFor(route, "elsewhere.xml")
			same.Final = first.Final
			elsewhere := intentFor(second, "elsewhere.xml")
			elsewhere.Final = first.Final
			other := intentFor(route, "other.xml")
			got, err := s.Plan(t.Context(), []Plan{{Intent: same}, {Intent: elsewhere}, {Intent: other}})
			want := []PlanResult{{Other: first.ID}, {OK: true}, {OK: true}}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v, want %v", got, err, want)
			}
			gone(t, s, same.ID)
		})
	}
	t.Run("delivered", func(t *testing.T) {
		s := newStore(t)
		first := inPhase(t, s, Delivered)
		next := intentFor(route, first.Path)
		planOne(t, s, next)
	})
	t.Run("within one call", func(t *testing.T) {
		s := newStore(t)
		a, b := intentFor(route, "a.xml"), intentFor(route, "b.xml")
		b.Final = a.Final
		got, err := s.Plan(t.Context(), []Plan{{Intent: a}, {Intent: b}})
		want := []PlanResult{{OK: true}, {Other: a.ID}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	})
}

func TestPlanSupersedes(t *testing.T) {
	tests := []struct {
		was Phase
		ok  bool
	}{
		{Planned, true}, {Held, true}, {Parked, true}, {"none", true}, {Committing, false}, {Delivered, false},
	}
	for _, test := range tests {
		t.Run(string(test.was), func(t *testing.T) {
			s := newStore(t)
			old := inPhase(t, s, test.was)
			next := intentFor(route, old.Path)
			got, err := s.Plan(t.Context(), []Plan{{Intent: next, Supersedes: old.ID}})
			want := PlanResult{OK: test.ok}
			if !test.ok {
				want.Other = old.ID
			}
			if err != nil || got[0] != want {
				t.Fatalf("%v, %v, want %v", got, err, want)
			}
			if !test.ok {
				gone(t, s, next.ID)
				if got := stored(t, s, old.ID).Phase; got != test.was {
					t.Errorf("refused, and %s has become %s", test.was, got)
				}
				wantSweeps(t, s)
				return
			}
			gone(t, s, old.ID)
			if got := stored(t, s, next.ID).Phase; got != Planned {
				t.Errorf("the new one is %s", got)
			}
			if test.was == "none" {
				wantSweeps(t, s)
			} else {
				wantSweeps(t, s, Sweep{ID: old.ID, Destination: old.Destination, Temp: old.Temp})
			}
		})
	}
}

func TestRefusedPlanLeavesWhatItWouldSupersede(t *testing.T) {
	s := newStore(t)
	old := planOne(t, s, intentFor(route, "a.xml"))
	inTheWay := planOne(t, s, intentFor(route, "b.xml"))
	next := intentFor(route, "a.xml")
	next.Final = inTheWay.Final
	got, err := s.Plan(t.Context(), []Plan{{Intent: next, Supersedes: old.ID}})
	if err != nil || got[0] != (PlanResult{Other: inTheWay.ID}) {
		t.Errorf("%v, %v", got, err)
	}
	if got := stored(t, s, old.ID).Phase; got != Planned {
		t.Errorf("the old one is %s", got)
	}
	wantSweeps(t, s)
}

func TestPlanIsAtomic(t *testing.T) {
	s := newStore(t)
	taken := planOne(t, s, intentFor(route, "a.xml"))
	good, sameID := intentFor(route, "good.xml"), intentFor(route, "bad.xml")
	sameID.ID = taken.ID
	if got, err := s.Plan(t.Context(), []Plan{{Intent: good}, {Intent: sameID}}); err == nil {
		t.Errorf("an id twice: %v", got)
	}
	gone(t, s, good.ID)

	halfway, nameless, versionless := intentFor(route, "x.xml"), intentFor(route, "x.xml"), intentFor(route, "x.xml")
	halfway.Phase, nameless.ID, versionless.Version = Committing, "", ""
	for _, in := range []Intent{halfway, nameless, versionless} {
		if got, err := s.Plan(t.Context(), []Plan{{Intent: in}}); err == nil {
			t.Errorf("%+v: %v", in, got)
		}
	}
}

func TestDropQueuesASweep(t *testing.T) {
	s := newStore(t)
	a, b := planOne(t, s, intentFor(route, "a.xml")), planOne(t, s, intentFor(second, "a.xml"))
	for _, in := range []Intent{a, b} {
		if ok, err := s.Drop(t.Context(), in.ID); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	late := Sweep{ID: file.NewID(noon), Destination: route.Destination, Temp: "/incoming/.late.part"}
	if err := s.AddSweep(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	first := Sweep{ID: a.ID, Destination: a.Destination, Temp: a.Temp}
	wantSweeps(t, s, first, late)
	if got, err := s.Sweeps(t.Context(), route.Destination, 1); err != nil || !slices.Equal(got, []Sweep{first}) {
		t.Errorf("with a limit: %v, %v", got, err)
	}
	if err := s.Swept(t.Context(), []string{first.ID, "nobody"}); err != nil {
		t.Fatal(err)
	}
	wantSweeps(t, s, late)
}

func wantSweeps(t *testing.T, s *Store, want ...Sweep) {
	t.Helper()
	got, err := s.Sweeps(t.Context(), route.Destination, 0)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("sweeps: %v, %v, want %v", got, err, want)
	}
}

// TestSweepsThatFail are due again at their time, or where that lies beyond what anybody has set.
func TestSweepsThatFail(t *testing.T) {
	s := newStore(t)
	sweep := Sweep{ID: "a", Destination: route.Destination, Temp: "/.a.part"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	due := func(now time.Time, want ...Sweep) {
		t.Helper()
		got, err := s.DueSweeps(t.Context(), route.Destination, now, now.Add(time.Hour), 0)
		must(err)
		if !slices.Equal(got, want) {
			t.Errorf("due at %v: %+v, want %+v", now, got, want)
		}
	}
	must(s.AddSweep(t.Context(), sweep))
	due(noon, sweep)
	for range 2 {
		sweep.Tries++
		must(s.SweepFailed(t.Context(), sweep.ID, noon.Add(time.Hour)))
	}
	wantSweeps(t, s, sweep)
	due(noon)
	due(noon.Add(time.Hour), sweep)
	due(noon.Add(-time.Second), sweep)
	must(s.SweepFailed(t.Context(), "nobody", noon))
	must(s.AddSweep(t.Context(), Sweep{ID: "a", Destination: route.Destination, Temp: "/.b.part"}))
	due(noon, Sweep{ID: "a", Destination: route.Destination, Temp: "/.b.part"}) // another one under its id
	must(s.Swept(t.Context(), []string{"a"}))
	due(noon)
}
