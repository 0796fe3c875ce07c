package state

import (
	"testing"
	"time"
)

func TestWaits(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	want := Wait{
		Destination: "acme", Failures: 7, Connects: 5, Dropped: true, Reason: "refused", Account: "print", FailedAt: noon,
		Next: noon.Add(time.Minute),
	}
	other := Wait{Destination: "globex", Failures: 1, Reason: "lost", FailedAt: noon, Next: noon}
	for _, w := range []Wait{{Destination: "acme", Failures: 1}, want, other} {
		if err := s.SetWait(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
	closeStore(t, s)
	s = openAt(t, dir)
	all, err := s.Waits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "after a restart", []Wait{want, other}, all)
	for _, cleared := range []bool{true, false} {
		if got, err := s.ClearWait(t.Context(), "acme"); got != cleared || err != nil {
			t.Errorf("cleared: %t, %v, want %t", got, err, cleared)
		}
	}
	if w, ok, err := s.WaitOf(t.Context(), "acme"); ok || err != nil {
		t.Errorf("still there: %+v, %v", w, err)
	}
	if w, ok, err := s.WaitOf(t.Context(), "globex"); !ok || err != nil || w != other {
		t.Errorf("the other: %+v, %t, %v", w, ok, err)
	}
}

// What a clock has set that was put back since is brought forward; what is plausible, and what is not of the
// destination, stays.
func TestBringForward(t *testing.T) {
	s := newStore(t)
	latest := noon.Add(5 * time.Minute)
	fail := func(in Intent, next time.Time, phase Phase) Intent {
		t.Helper()
		if err := s.Fail(t.Context(), in.ID, Failure{Err: "no", Next: next, Phase: phase}); err != nil {
			t.Fatal(err)
		}
		return in
	}
	far := noon.AddDate(10, 0, 0)
	moved := fail(planOne(t, s, intentFor(route, "far")), far, Planned)
	committing := planOne(t, s, intentFor(route, "committing"))
	commit(t, s, committing)
	fail(committing, far, Committing)
	stays := map[string]time.Time{
		fail(planOne(t, s, intentFor(route, "soon")), latest, Planned).ID:    latest,
		fail(planOne(t, s, intentFor(route, "parked")), far, Parked).ID:      far,
		fail(planOne(t, s, intentFor(second, "elsewhere")), far, Planned).ID: far,
		planOne(t, s, intentFor(route, "due")).ID:                            {},
	}
	if n, err := s.BringForward(t.Context(), route.Destination, latest); n != 2 || err != nil {
		t.Errorf("%d, %v, want 2", n, err)
	}
	stays[moved.ID], stays[committing.ID] = latest, latest
	for id, want := range stays {
		if got := stored(t, s, id); !got.NextAttempt.Equal(want) {
			t.Errorf("%s: next attempt %v, want %v", got.Path, got.NextAttempt, want)
		}
	}
}

// Another temp is for the next attempt; the old one is swept, and nothing is gone on with from where it was.
func TestFailureThatRenewsTheTemp(t *testing.T) {
	for _, test := range []struct {
		name    string
		begin   Phase
		asked   Phase
		renewed bool
	}{
		{"planned", Planned, "", true},
		{"planned, and held then", Planned, Held, true},
		{"committing: the temp is the witness", Committing, "", false},
		{"committing, and taken back", Committing, Held, true},
		{"delivered", Delivered, Held, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			in := inPhase(t, s, test.begin)
			if test.begin == Planned {
				if ok, err := s.SaveCheckpoint(t.Context(), in.ID, Checkpoint{Offset: 7, Hash: []byte("h")}); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			err := s.Fail(t.Context(), in.ID, Failure{Err: "other bytes", Phase: test.asked, Own: true, Mismatch: true, Temp: "/incoming/.new"})
			if err != nil {
				t.Fatal(err)
			}
			sweeps, err := s.Sweeps(t.Context(), in.Destination, 0)
			if err != nil {
				t.Fatal(err)
			}
			got := stored(t, s, in.ID)
			if !test.renewed {
				if got.Temp != in.Temp || len(sweeps) != 0 {
					t.Errorf("temp %s, sweeps %v", got.Temp, sweeps)
				}
				return
			}
			if got.Temp != "/incoming/.new" || got.Mismatches != 1 {
				t.Errorf("%+v", got)
			}
			if len(sweeps) != 1 || sweeps[0].Temp != in.Temp || sweeps[0].ID == in.ID {
				t.Errorf("sweeps %v, want that of %s", sweeps, in.Temp)
			}
			if p, found, err := s.Checkpoint(t.Context(), in.ID); found || err != nil {
				t.Errorf("checkpoint %+v, %v", p, err)
			}
		})
	}
}
