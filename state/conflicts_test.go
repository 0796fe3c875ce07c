package state

import (
	"testing"
	"time"
)

// TestConflictsStayAsLongAsTheHold: what stands in the way is of one that is held because of it, and of nothing else.
func TestConflictsStayAsLongAsTheHold(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, "a.xml"))
	conflict := func() (Conflict, bool) {
		t.Helper()
		x, found, err := s.ConflictOf(t.Context(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		return x, found
	}
	hold := func(x *Conflict) {
		t.Helper()
		if err := s.Fail(t.Context(), in.ID, Failure{Err: "it holds another file", At: noon, Phase: Held, Conflict: x}); err != nil {
			t.Fatal(err)
		}
	}
	if x, found := conflict(); found {
		t.Errorf("planned, and %+v", x)
	}
	want := Conflict{Kind: ConflictFile, Size: 7, ModTime: noon.Add(-time.Hour), SHA256: []byte("theirs"), Ours: []byte("ours")}
	hold(&want)
	got, found := conflict()
	same(t, "found", true, found)
	same(t, "conflict", want, got)

	if ok, err := s.Release(t.Context(), in.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if x, found := conflict(); found {
		t.Errorf("released, and %+v", x)
	}
	hold(&Conflict{Kind: ConflictDir})
	if x, found := conflict(); !found || x.Kind != ConflictDir || x.SHA256 != nil || x.Ours != nil {
		t.Errorf("held again: %+v, %v", x, found)
	}
	if ok, err := s.Drop(t.Context(), in.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if x, found := conflict(); found {
		t.Errorf("gone, and %+v", x)
	}
}
