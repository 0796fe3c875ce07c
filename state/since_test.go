package state

import (
	"fmt"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestReceiptsSince(t *testing.T) {
	s := newStore(t)
	if last, err := s.LastReceipt(t.Context()); last != 0 || err != nil {
		t.Errorf("of an empty ledger: %d, %v", last, err)
	}
	other := Route{Folder: "other", Destination: route.Destination}
	for i := range 6 {
		r := route
		if i%2 == 1 {
			r = other
		}
		in := planOne(t, s, intentFor(r, file.Path(fmt.Sprint(i))))
		commit(t, s, in)
		if ok, err := s.Deliver(t.Context(), in.ID, deliveryOf(in, true)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	paths := func(seq int64, limit int) (all string, last int64) {
		t.Helper()
		receipts, err := s.Receipts(t.Context(), route.Folder, seq, limit)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range receipts {
			all, last = all+string(d.Path), d.Seq
		}
		return all, last
	}
	first, seq := paths(0, 2)
	rest, _ := paths(seq, 10)
	if first != "02" || rest != "4" {
		t.Errorf("%q, then %q", first, rest)
	}
	last, err := s.LastReceipt(t.Context())
	if none, _ := paths(last, 10); err != nil || none != "" {
		t.Errorf("behind the last: %q, %v", none, err)
	}
}

func TestOldest(t *testing.T) {
	s := newStore(t)
	if _, found, err := s.Oldest(t.Context(), route); found || err != nil {
		t.Error(found, err)
	}
	held := intentFor(route, "held")
	held.Phase, held.LastError = Held, "theirs"
	planOne(t, s, held)
	planOne(t, s, intentFor(Route{Folder: route.Folder, Destination: "elsewhere"}, "x"))
	first := planOne(t, s, intentFor(route, "first"))
	planOne(t, s, intentFor(route, "second"))
	in, found, err := s.Oldest(t.Context(), route)
	if err != nil || !found || in.ID != first.ID {
		t.Errorf("%+v, %v, %v", in, found, err)
	}
	commit(t, s, first)
	if in, _, err = s.Oldest(t.Context(), route); err != nil || in.ID != first.ID {
		t.Errorf("committing: %+v, %v", in, err)
	}
}
