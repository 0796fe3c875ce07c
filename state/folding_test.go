package state

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func setFolding(t *testing.T, s *Store, destination string, f file.Folding) {
	t.Helper()
	if err := s.SetFolding(t.Context(), destination, f); err != nil {
		t.Fatal(err)
	}
}

// namesakesOf returns the paths of the namesakes, intents with a "+".
func namesakesOf(t *testing.T, s *Store, r Route, p file.Path) []string {
	t.Helper()
	all, err := s.Namesakes(t.Context(), r, p, "/incoming/"+string(p))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range all {
		name := string(n.Known.Path)
		if n.Intent != "" {
			name = "+" + name
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestNamesakes are found where the destination folds names, of what was there before that was known too.
func TestNamesakes(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	owned(t, s, route, "a")
	owned(t, s, route, "caf\u00e9")
	owned(t, s, second, "A")
	planOne(t, s, intentFor(route, "B"))
	if got := namesakesOf(t, s, route, "A"); len(got) != 0 {
		t.Errorf("where names are told apart: %q", got)
	}
	setFolding(t, s, route.Destination, file.Folding{Case: true})
	for p, want := range map[file.Path][]string{"A": {"a"}, "a": nil, "b": {"+B"}, "cafe\u0301": nil, "CAF\u00c9": {"caf\u00e9"}} {
		if got := namesakesOf(t, s, route, p); !slices.Equal(got, want) {
			t.Errorf("%s by case: %q, want %q", p, got, want)
		}
	}
	setFolding(t, s, route.Destination, file.Folding{Case: true, Form: true})
	if got := namesakesOf(t, s, route, "CAFE\u0301"); !slices.Equal(got, []string{"caf\u00e9"}) {
		t.Errorf("by case and form: %q", got)
	}
	if err := s.Forget(t.Context(), route.Folder, []file.Path{"a"}); err != nil {
		t.Fatal(err)
	}
	if got := namesakesOf(t, s, route, "A"); len(got) != 0 {
		t.Errorf("of what was forgotten: %q", got)
	}
	closeStore(t, s)
	s = openAt(t, dir)
	if f, err := s.FoldingOf(t.Context(), route.Destination); err != nil || !f.Case || !f.Form {
		t.Errorf("%+v, %v", f, err)
	}
	if n := query(t, databaseIn(dir), "SELECT count(*) FROM spellings"); n != int64(2) {
		t.Errorf("%v names are on record, want 2", n)
	}
	setFolding(t, s, route.Destination, file.Folding{})
	if got := namesakesOf(t, s, route, "b"); len(got) != 0 {
		t.Errorf("where names are told apart again: %q", got)
	}
}

// TestPlanOfANamesake is refused, but for the file that is to get the name; what has been held because of it is told.
func TestPlanOfANamesake(t *testing.T) {
	s := newStore(t)
	setFolding(t, s, route.Destination, file.Folding{Case: true})
	owned(t, s, route, "a")
	plan := func(p Plan) PlanResult {
		t.Helper()
		got, err := s.Plan(t.Context(), []Plan{p})
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	if r := plan(Plan{Intent: intentFor(route, "A")}); r.OK || r.Collides == nil || r.Collides.Path != "a" {
		t.Errorf("%+v", r)
	}
	moved := intentFor(route, "A")
	moved.MovedFrom = "a"
	if r := plan(Plan{Intent: moved}); !r.OK {
		t.Errorf("the same file under another spelling: %+v", r)
	}
	first, other := intentFor(route, "b"), intentFor(route, "B")
	planOne(t, s, first)
	if r := plan(Plan{Intent: other}); r.OK || r.Other != first.ID {
		t.Errorf("two at once: %+v", r)
	}
	if r := plan(Plan{Intent: intentFor(second, "B")}); !r.OK {
		t.Errorf("at another destination: %+v", r)
	}

	held := intentFor(route, "C")
	held.Phase = Held
	if r := plan(Plan{Intent: held, Collides: "c"}); !r.OK {
		t.Errorf("%+v", r)
	}
	if r := plan(Plan{Intent: intentFor(route, "c")}); r.OK || r.Collides == nil || r.Collides.Path != "C" {
		t.Errorf("beside one that waits for a person: %+v", r)
	}
	if err := s.Fail(t.Context(), first.ID, Failure{Phase: Held, Collides: "B"}); err != nil {
		t.Fatal(err)
	}
	collisions := func(want ...file.Path) {
		t.Helper()
		all, err := s.Collisions(t.Context(), route.Folder)
		var got []file.Path
		for _, i := range all {
			got = append(got, i.Path)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	collisions("b", "C")
	if ok, err := s.Release(t.Context(), first.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	collisions("C")
	if ok, err := s.Drop(t.Context(), held.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	collisions()
}

// TestWhatTakesItsNameReplacesIt at a destination that folds names: only one file is there.
func TestWhatTakesItsNameReplacesIt(t *testing.T) {
	s := newStore(t)
	owned(t, s, route, "a")
	owned(t, s, second, "a")
	in := planOne(t, s, intentFor(route, "A")) // before the destination was known to fold names
	setFolding(t, s, route.Destination, file.Folding{Case: true})
	commit(t, s, in)
	if ok, err := s.Deliver(t.Context(), in.ID, Deliver{At: noon, Keep: true, Fingerprint: in.Fingerprint}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	r, err := s.Lookup(t.Context(), route.Folder, "a")
	if err != nil || len(r.Known) != 1 || r.Known[0].Destination != second.Destination {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestANameIsFreed by whatever takes it from the file that had it: what is held for it is due at once, and what is held for another is not.
func TestANameIsFreed(t *testing.T) {
	aside := func(t *testing.T, s *Store, p file.Path) Intent {
		in := intentFor(route, p)
		in.Phase = Parked
		return planOne(t, s, in)
	}
	for name, ways := range map[string]func(t *testing.T, s *Store, p file.Path) (take func() error){
		"cancelled": func(t *testing.T, s *Store, p file.Path) func() error {
			in := aside(t, s, p)
			return func() error { _, err := s.Cancel(t.Context(), Selection{ID: in.ID}); return err }
		},
		"dropped": func(t *testing.T, s *Store, p file.Path) func() error {
			in := aside(t, s, p)
			return func() error { _, err := s.Drop(t.Context(), in.ID); return err }
		},
		"forgotten": func(t *testing.T, s *Store, p file.Path) func() error {
			owned(t, s, route, p)
			return func() error { return s.Forget(t.Context(), route.Folder, []file.Path{p}) }
		},
		"missing there": func(t *testing.T, s *Store, p file.Path) func() error {
			k := owned(t, s, route, p)
			return func() error {
				_, err := s.ForgetAt(t.Context(), &Expected{Route: route, Path: p, RemotePath: k.RemotePath, Size: k.Fingerprint.Size, SHA256: k.SHA256})
				return err
			}
		},
		"taken away here": func(t *testing.T, s *Store, p file.Path) func() error {
			in := planOne(t, s, intentFor(route, p))
			deliver(t, s, in, false)
			return func() error { return s.CloseVersion(t.Context(), in.Version, true) }
		},
		"moved there": func(t *testing.T, s *Store, p file.Path) func() error {
			owned(t, s, route, p)
			in := intentFor(route, "elsewhere")
			in.MovedFrom = p
			planOne(t, s, in)
			return func() error { deliver(t, s, in, true); return nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			setFolding(t, s, route.Destination, file.Folding{Case: true})
			take := ways(t, s, "a")
			owned(t, s, route, "b")
			held := map[file.Path]Intent{}
			for p, with := range map[file.Path]file.Path{"A": "a", "B": "b"} {
				in := intentFor(route, p)
				in.Phase = Held
				if r, err := s.Plan(t.Context(), []Plan{{Intent: in, Collides: with}}); err != nil || !r[0].OK {
					t.Fatal(r, err)
				}
				held[p] = in
			}
			phase := func(p file.Path) Phase {
				in, _, err := s.Intent(t.Context(), held[p].ID)
				if err != nil {
					t.Fatal(err)
				}
				return in.Phase
			}
			owned(t, s, route, "unrelated")
			if got := phase("A"); got != Held {
				t.Fatalf("before: %s", got)
			}
			if err := take(); err != nil {
				t.Fatal(err)
			}
			if a, b := phase("A"), phase("B"); a != Planned || b != Held {
				t.Errorf("A is %s, and B, whose name another has, %s", a, b)
			}
		})
	}
}
