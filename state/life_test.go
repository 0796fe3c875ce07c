package state

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestIntentIsKeptAsPlanned(t *testing.T) {
	s := newStore(t)
	in := intentFor(route, "2026/a.xml")
	planOne(t, s, in)
	same(t, "stored", in, stored(t, s, in.ID))
	for _, phase := range []Phase{Held, Parked} {
		in := intentFor(route, file.Path("born-"+phase))
		in.Phase, in.LastError, in.NextAttempt = phase, "somebody else's file", noon
		planOne(t, s, in)
		same(t, "stored", in, stored(t, s, in.ID))
	}
}

func TestLifeOfAnIntent(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))

	for _, at := range []time.Time{noon, noon.Add(time.Hour)} {
		if err := s.Begin(t.Context(), in.ID, at); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, in)
	committing := in
	committing.Phase, committing.Proof, committing.Attempts, committing.StartedAt = Committing, proofOf(in), 2, noon
	same(t, "after T2", committing, stored(t, s, in.ID))
	if k := knownAt(t, s, route, in.Path); k != nil {
		t.Errorf("known before T3: %+v", k)
	}

	// Recovery may have weaker evidence than T2 had, and the source's fate hangs on it.
	d := deliveryOf(in, false)
	d.Proof.Evidence, d.Racy, d.Fingerprint.ChangeTime = "inferred", true, 7
	for range 2 { // the second is a repetition after a crash
		if ok, err := s.Deliver(t.Context(), in.ID, d); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	delivered := committing
	delivered.Phase, delivered.Proof = Delivered, d.Proof
	same(t, "after T3", delivered, stored(t, s, in.ID))
	wantKnown := &Known{
		Route: route, Path: in.Path, Fingerprint: d.Fingerprint, Racy: true, SHA256: d.Proof.SHA256, RemotePath: in.Final,
		Owned: true,
	}
	same(t, "known", wantKnown, knownAt(t, s, route, in.Path))
	history, err := s.History(t.Context(), Filter{})
	if err != nil {
		t.Fatal(err)
	}
	wantHistory := []Delivery{{
		Seq: 1, ID: in.ID, Route: route, Path: in.Path, RemotePath: in.Final, Size: 4096, Proof: d.Proof, Attempts: 2,
		SeenAt: in.SeenAt, SettledAt: in.SettledAt, ReadyAt: noon, StartedAt: noon, DeliveredAt: d.At,
	}}
	same(t, "ledger", wantHistory, history)

	if err := s.CloseVersion(t.Context(), in.Version, true); err != nil {
		t.Fatal(err)
	}
	gone(t, s, in.ID)
	if k := knownAt(t, s, route, in.Path); k != nil {
		t.Errorf("known after its story has ended: %+v", k)
	}
	if ok, err := s.Deliver(t.Context(), in.ID, d); !ok || err != nil {
		t.Errorf("a delivery that is in the ledger, again: %t, %v", ok, err)
	}
	if k := knownAt(t, s, route, in.Path); k != nil {
		t.Errorf("a repeated delivery has made it known again: %+v", k)
	}
}

func TestKeptSourceLeavesNothingToDo(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))
	deliver(t, s, in, true)
	gone(t, s, in.ID)
	if k := knownAt(t, s, route, in.Path); k == nil || !k.Owned {
		t.Errorf("known: %+v", k)
	}
}

func TestDeliverTakesTheProofOfCommit(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))
	commit(t, s, in)
	if ok, err := s.Deliver(t.Context(), in.ID, Deliver{At: noon, Attempts: 5, Fingerprint: in.Fingerprint}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	d, ok, err := s.LastPublished(t.Context(), route.Destination, in.Final)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if !reflect.DeepEqual(d.Proof, proofOf(in)) || d.Attempts != 5 || !d.StartedAt.Equal(noon) {
		t.Errorf("receipt: %+v", d)
	}
	if k := knownAt(t, s, route, in.Path); !slices.Equal(k.SHA256, proofOf(in).SHA256) {
		t.Errorf("known: %+v", k)
	}
}

// Each call is made on an intent of each phase, and on none.
func TestPhasesThatAllowACall(t *testing.T) {
	calls := map[string]struct {
		do      func(*Store, Intent) (bool, error)
		allowed []Phase
		then    Phase // "" gone
	}{
		"commit": {
			func(s *Store, in Intent) (bool, error) { return s.Commit(t.Context(), in.ID, proofOf(in)) },
			[]Phase{Planned},
			Committing,
		},
		"deliver": {
			func(s *Store, in Intent) (bool, error) { return s.Deliver(t.Context(), in.ID, deliveryOf(in, false)) },
			[]Phase{Committing, Delivered},
			Delivered,
		},
		"adopt": {
			func(s *Store, in Intent) (bool, error) { return s.Adopt(t.Context(), in.ID, Known{}) },
			[]Phase{Planned},
			"",
		},
		"unchanged": {
			func(s *Store, in Intent) (bool, error) { return s.Unchanged(t.Context(), in.ID, in.Fingerprint, false) },
			[]Phase{Planned},
			"",
		},
		"drop": {
			func(s *Store, in Intent) (bool, error) { return s.Drop(t.Context(), in.ID) },
			[]Phase{Planned, Held, Parked},
			"",
		},
		"cancel": {
			func(s *Store, in Intent) (bool, error) {
				was, err := s.Cancel(t.Context(), Selection{ID: in.ID})
				return len(was) == 1, err
			},
			[]Phase{Planned, Held, Parked},
			Cancelled,
		},
		"lift": {
			func(s *Store, in Intent) (bool, error) { return s.Lift(t.Context(), in.ID) },
			[]Phase{Cancelled},
			"",
		},
		"release as": {
			func(s *Store, in Intent) (bool, error) {
				ok, _, err := s.ReleaseAs(t.Context(), in.ID, "/incoming/other", "/incoming/.other")
				return ok, err
			},
			[]Phase{Held},
			Planned,
		},
		"retry": {
			func(s *Store, in Intent) (bool, error) {
				done, err := s.Retry(t.Context(), Selection{ID: in.ID}, false)
				return done.Released == 1, err
			},
			[]Phase{Held, Parked},
			Planned,
		},
		"release": {
			func(s *Store, in Intent) (bool, error) { return s.Release(t.Context(), in.ID) },
			[]Phase{Held, Parked},
			Planned,
		},
	}
	for name, call := range calls {
		for _, phase := range []Phase{Planned, Committing, Delivered, Held, Parked, Cancelled, "none"} {
			t.Run(name+"/"+string(phase), func(t *testing.T) {
				s := newStore(t)
				in := inPhase(t, s, phase)
				ok, err := call.do(s, in)
				if err != nil {
					t.Fatal(err)
				}
				allowed := slices.Contains(call.allowed, phase)
				if ok != allowed {
					t.Errorf("allowed: %t, want %t", ok, allowed)
				}
				switch {
				case phase == "none", allowed && call.then == "":
					gone(t, s, in.ID)
				case allowed:
					if got := stored(t, s, in.ID).Phase; got != call.then {
						t.Errorf("then %s, want %s", got, call.then)
					}
				default:
					if got := stored(t, s, in.ID).Phase; got != phase {
						t.Errorf("refused, and %s has become %s", phase, got)
					}
				}
			})
		}
	}
}

// inPhase returns an intent that the store has in the phase; "none" is one that it has never heard of.
func inPhase(t *testing.T, s *Store, phase Phase) Intent {
	t.Helper()
	in := intentFor(route, file.Path(phase)+".xml")
	if phase == "none" {
		return in
	}
	planOne(t, s, in)
	switch phase {
	case Committing:
		commit(t, s, in)
	case Delivered:
		deliver(t, s, in, false)
	case Held, Parked:
		if err := s.Fail(t.Context(), in.ID, Failure{Err: "no", Phase: phase}); err != nil {
			t.Fatal(err)
		}
	case Cancelled:
		if was, err := s.Cancel(t.Context(), Selection{ID: in.ID}); len(was) != 1 || err != nil {
			t.Fatal(was, err)
		}
	}
	return in
}

func TestFail(t *testing.T) {
	next := noon.Add(time.Minute)
	tests := []struct {
		was, asked, then Phase
	}{
		{Planned, Planned, Planned},
		{Planned, "", Planned},
		{Planned, Committing, Planned},
		{Planned, Held, Held},
		{Planned, Parked, Parked},
		{Committing, Planned, Committing},
		{Committing, Committing, Committing},
		{Committing, Held, Held},
		{Committing, Parked, Parked},
		{Delivered, Planned, Delivered},
		{Delivered, Parked, Delivered},
		{Held, Planned, Held},
		{Parked, Planned, Parked},
		{Cancelled, Planned, Cancelled},
		{Cancelled, Held, Cancelled},
		{Cancelled, Parked, Cancelled},
	}
	for _, test := range tests {
		t.Run(string(test.was+" "+test.asked), func(t *testing.T) {
			s := newStore(t)
			in := inPhase(t, s, test.was)
			if err := s.Fail(t.Context(), in.ID, Failure{Err: "put: permission denied", Next: next, Phase: test.asked}); err != nil {
				t.Fatal(err)
			}
			got := stored(t, s, in.ID)
			if got.Phase != test.then || got.LastError != "put: permission denied" || !got.NextAttempt.Equal(next) {
				t.Errorf("%+v", got)
			}
		})
	}
	t.Run("gone", func(t *testing.T) {
		if err := newStore(t).Fail(t.Context(), "nobody", Failure{Err: "no"}); err != nil {
			t.Error(err)
		}
	})
}

func TestOwnFailuresAreCountedUntilReleased(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))
	for i, own := range []bool{false, true, true} {
		if err := s.Begin(t.Context(), in.ID, noon); err != nil {
			t.Fatal(err)
		}
		if err := s.Fail(t.Context(), in.ID, Failure{
			Err: "no", At: noon.Add(time.Duration(i) * time.Hour), Next: noon, Own: own, Spent: time.Duration(i) * time.Minute, Mismatch: i == 2,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := stored(t, s, in.ID); got.Attempts != 3 || got.Failures != 2 || got.Mismatches != 1 ||
		got.FailingFor != 3*time.Minute || !got.FailedAt.Equal(noon.Add(2*time.Hour)) || !got.StartedAt.Equal(noon) {
		t.Errorf("%+v", got)
	}
	if err := s.Fail(t.Context(), in.ID, Failure{Err: "no", At: noon, Next: noon, Own: true, Spent: time.Second, Further: true}); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s, in.ID); got.Failures != 1 || got.Mismatches != 1 || got.FailingFor != time.Second {
		t.Errorf("after it has come further: %+v", got)
	}
	if err := s.Fail(t.Context(), in.ID, Failure{Err: "given up", Next: noon, Phase: Parked, Own: true}); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.Release(t.Context(), in.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	got := stored(t, s, in.ID)
	want := in
	want.Attempts, want.StartedAt, want.LastError = 3, noon, "given up"
	same(t, "stored", want, got)
}

func TestAttemptsAreOnRecordAfterClose(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	in := planOne(t, s, intentFor(route, "a.xml"))
	if err := s.Begin(t.Context(), in.ID, noon); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, s, in.ID); got.Attempts != 0 {
		t.Errorf("on record while under way: %+v", got)
	}
	closeStore(t, s)
	if got := stored(t, openAt(t, dir), in.ID); got.Attempts != 1 || !got.StartedAt.Equal(noon) {
		t.Errorf("%+v", got)
	}
}
