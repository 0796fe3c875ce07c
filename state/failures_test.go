package state

import (
	"fmt"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func failures(t *testing.T, s *Store, id string) []FailedAttempt {
	t.Helper()
	all, err := s.Failures(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Why attempts have failed is known as long as the receipt, and not longer than what never came to one.
func TestFailuresStayWithTheReceipt(t *testing.T) {
	s := newStore(t)
	fail := func(in Intent, f Failure) {
		t.Helper()
		if err := s.Fail(t.Context(), in.ID, f); err != nil {
			t.Fatal(err)
		}
	}
	sent, given, dropped := planOne(t, s, intentFor(route, "a.xml")), planOne(t, s, intentFor(route, "b.xml")), planOne(t, s, intentFor(route, "c.xml"))
	fail(sent, Failure{Err: "the line was cut", At: noon})
	fail(sent, Failure{Err: "permission denied", At: noon.Add(time.Minute), Phase: Held})
	fail(given, Failure{Err: "too long", At: noon, Phase: Parked})
	fail(dropped, Failure{Err: "the line was cut", At: noon})
	if ok, err := s.Release(t.Context(), sent.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	deliver(t, s, sent, true)
	if ok, err := s.Drop(t.Context(), dropped.ID); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want := fmt.Sprint([]FailedAttempt{{1, noon, "the line was cut", ""}, {2, noon.Add(time.Minute), "permission denied", Held}})
	if got := fmt.Sprint(failures(t, s, sent.ID)); got != want {
		t.Errorf("of what was delivered: %v", got)
	}
	if got := failures(t, s, given.ID); len(got) != 1 || got[0].Aside != Parked {
		t.Errorf("of what was given up: %v", got)
	}
	if got := failures(t, s, dropped.ID); len(got) != 0 {
		t.Errorf("of what is gone: %v", got)
	}
	if h, err := s.History(t.Context(), Filter{}); err != nil || len(h) != 1 || !h[0].ReadyAt.Equal(noon) {
		t.Errorf("the receipt: %v, %v", h, err)
	}
}

func TestFailuresAreBounded(t *testing.T) {
	s := newStore(t)
	in := planOne(t, s, intentFor(route, file.Path("a.xml")))
	const all = 3 * failuresKept
	for n := range all {
		if err := s.Fail(t.Context(), in.ID, Failure{Err: fmt.Sprint(n + 1), At: noon.Add(time.Duration(n) * time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	got := failures(t, s, in.ID)
	if len(got) != failuresKept || got[0].Err != "1" || got[1].N != all-failuresKept+2 || got[len(got)-1].Err != fmt.Sprint(all) {
		t.Errorf("%v", got)
	}
}

// A store of the schema before keeps its receipts, of which is not known when their files were ready.
func TestReceiptsOfAnEarlierSchema(t *testing.T) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir, schemaBefore(t, "CREATE TABLE failures"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alter(t, databaseIn(dir), `INSERT INTO deliveries (id, folder, destination, path, remote_path, size, evidence, command, remote_mtime, host_key, attempts,
		started_at, delivered_at) VALUES ('x', 'invoices', 'acme', 'a.xml', '/a.xml', 1, 'size', '', 0, '', 1, 5, 6)`)
	s = openAt(t, dir)
	if h, err := s.History(t.Context(), Filter{}); err != nil || len(h) != 1 || !h[0].ReadyAt.IsZero() || !h[0].SeenAt.IsZero() || !h[0].SettledAt.IsZero() {
		t.Errorf("%v, %v", h, err)
	}
	deliver(t, s, planOne(t, s, intentFor(route, "b.xml")), true)
}
