package state

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// keepOne delivers a file of the route that is kept.
func keepOne(t *testing.T, s *Store, r Route, p file.Path) Intent {
	t.Helper()
	in := planOne(t, s, intentFor(r, p))
	deliver(t, s, in, true)
	return in
}

// TestKnownAfter goes through a route page by page, with what is under way.
func TestKnownAfter(t *testing.T) {
	s := newStore(t)
	var want []file.Path
	for i := range 7 {
		p := file.Path(fmt.Sprintf("a/%d.xml", i))
		keepOne(t, s, route, p)
		want = append(want, p)
	}
	keepOne(t, s, second, "a/3.xml")
	changed := intentFor(route, "a/2.xml")
	planOne(t, s, changed)
	elsewhere := intentFor(Route{Folder: "orders", Destination: "acme"}, "b.xml")
	elsewhere.Final = "/incoming/a/5.xml"
	planOne(t, s, elsewhere)
	var got []file.Path
	for after := file.Path(""); ; {
		page, err := s.KnownAfter(t.Context(), route, after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for i := range page {
			x := &page[i]
			got = append(got, x.Path)
			if x.Route != route || x.Known == nil || x.Last == nil || x.Last.Path != x.Path || x.RemotePath != "/incoming/"+string(x.Path) ||
				x.Size != 4096 || len(x.SHA256) != 32 {
				t.Errorf("%s: %+v", x.Path, x)
			}
			if wantOpen := x.Path == "a/2.xml" || x.Path == "a/5.xml"; x.UnderWay() != wantOpen || len(x.Intents) > 1 {
				t.Errorf("%s: under way %v, %+v", x.Path, x.UnderWay(), x.Intents)
			}
			after = x.Path
		}
		n, err := s.CountKnownAfter(t.Context(), route, after)
		if left := len(want) - len(got); err != nil || n != left {
			t.Errorf("%d left after %s (%v), want %d", n, after, err, left)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q, want %q", got, want)
	}
	before, found, err := s.ExpectedAt(t.Context(), route, "a/2.xml")
	if err != nil || !found {
		t.Fatal(found, err)
	}
	deliver(t, s, changed, true)
	now, found, err := s.ExpectedAt(t.Context(), route, "a/2.xml")
	if err != nil || !found || before.Same(&now) || !now.Same(&now) {
		t.Errorf("%v, %v: %+v", found, err, now)
	}
	if _, found, err := s.ExpectedAt(t.Context(), second, "a/2.xml"); found || err != nil {
		t.Error(found, err)
	}
}

// TestPublishedAfter takes the newest receipt of each name, if that is of the folder.
func TestPublishedAfter(t *testing.T) {
	s := newStore(t)
	other := Route{Folder: "orders", Destination: "acme"}
	for i := range 5 {
		for range 2 {
			keepOne(t, s, route, file.Path(fmt.Sprintf("%d.xml", i)))
		}
	}
	keepOne(t, s, other, "1.xml") // the same remote name
	newest := keepOne(t, s, route, "3.xml")
	keepOne(t, s, second, "9.xml")
	var got []string
	pages := 0
	for after := ""; ; pages++ {
		page, last, err := s.PublishedAfter(t.Context(), route, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page {
			got = append(got, x.RemotePath)
			if x.Known != nil || x.Last == nil || (x.Path == "3.xml" && x.Last.ID != newest.ID) {
				t.Errorf("%+v", x)
			}
		}
		if last == "" {
			break
		}
		after = last
	}
	if want := "[/incoming/0.xml /incoming/2.xml /incoming/3.xml /incoming/4.xml]"; fmt.Sprint(got) != want || pages != 3 {
		t.Errorf("%d pages: %q", pages, got)
	}
	if _, found, err := s.PublishedAt(t.Context(), route, "/incoming/1.xml"); found || err != nil {
		t.Error(found, err)
	}
	if x, found, err := s.PublishedAt(t.Context(), route, "/incoming/3.xml"); !found || err != nil || x.Last.ID != newest.ID {
		t.Error(found, err)
	}
	if n, err := s.CountPublishedAfter(t.Context(), route, "/incoming/1.xml"); n != 3 || err != nil {
		t.Error(n, err)
	}
}

// TestPublishedUnderOtherNames finds the receipts of a route that was called otherwise.
func TestPublishedUnderOtherNames(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"a.xml", "b.xml", "c.xml"} {
		keepOne(t, s, route, p)
	}
	if err := s.Forget(t.Context(), route.Folder, []file.Path{"a.xml", "b.xml", "c.xml"}); err != nil { // as an outbox does
		t.Fatal(err)
	}
	now := Route{Folder: "bills", Destination: "initech"}
	err := s.Configure(t.Context(), Configured{
		Names:     []Name{{Kind: FolderName, Name: now.Folder}, {Kind: DestinationName, Name: now.Destination}},
		Renamings: []Renaming{{Kind: FolderName, Was: route.Folder, Name: now.Folder}, {Kind: DestinationName, Was: route.Destination, Name: now.Destination}},
	}, noon)
	if err != nil {
		t.Fatal(err)
	}
	newest := keepOne(t, s, now, "b.xml")
	var got []string
	for after := ""; ; {
		page, last, err := s.PublishedAfter(t.Context(), now, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if last == "" {
			break
		}
		for _, x := range page {
			got = append(got, x.RemotePath)
			if x.Route != now || (x.Path == "b.xml") != (x.Last.ID == newest.ID) {
				t.Errorf("%+v", x)
			}
		}
		after = last
	}
	if want := "[/incoming/a.xml /incoming/b.xml /incoming/c.xml]"; fmt.Sprint(got) != want {
		t.Errorf("got %q, want %s", got, want)
	}
	if x, found, err := s.PublishedAt(t.Context(), now, "/incoming/a.xml"); !found || err != nil || x.Route != now {
		t.Errorf("%v, %v: %+v", found, err, x)
	}
	if n, err := s.CountPublishedAfter(t.Context(), now, ""); n != 3 || err != nil {
		t.Error(n, err)
	}
}

// TestExpectedThatLeaves is not looked at: it is about to be taken away, or to get another name.
func TestExpectedThatLeaves(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"deleted.xml", "moved.xml", "stays.xml"} {
		keepOne(t, s, route, p)
	}
	err := s.PlanOperations(t.Context(), []Operation{{ID: "o1", Step: StepDelete, Route: route, Path: "deleted.xml", PlannedAt: noon}})
	if err != nil {
		t.Fatal(err)
	}
	moving := intentFor(route, "new.xml")
	moving.MovedFrom = "moved.xml"
	planOne(t, s, moving)
	page, err := s.KnownAfter(t.Context(), route, "", 10)
	if err != nil || len(page) != 3 {
		t.Fatal(page, err)
	}
	for i := range page {
		x := &page[i]
		if x.UnderWay() != (x.Path != "stays.xml") {
			t.Errorf("%s: under way %v", x.Path, x.UnderWay())
		}
		if forgotten, err := s.ForgetAt(t.Context(), x); err != nil || forgotten != (x.Path == "stays.xml") {
			t.Errorf("%s: forgotten %v, %v", x.Path, forgotten, err)
		}
	}
}

// TestVerifyFollowsIndexes: a page costs what it holds, however much there is.
func TestVerifyFollowsIndexes(t *testing.T) {
	s := newStore(t)
	for _, query := range []string{selectKnownAfter, selectNewestAfter, selectOpenOfPath, selectOpenOfName, selectLeaves} {
		err := s.read(t.Context(), "explain", func(c *conn) error {
			return c.each(func(r row) error {
				if step := r.text(3); strings.Contains(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") && !strings.Contains(query, "ORDER BY seq") {
					t.Errorf("%s: %s", query, step)
				}
				return nil
			}, "EXPLAIN QUERY PLAN "+query, argsFor(query)...)
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func argsFor(query string) []any {
	n := strings.Count(query, "?")
	if strings.Contains(query, "?3") {
		n = 3
	}
	args := make([]any, n)
	for i := range args {
		args[i] = "x"
	}
	if strings.HasSuffix(query, "LIMIT ?") {
		args[len(args)-1] = 1
	}
	return args
}

// TestRepair records an intent for a known file, and leaves its content unknown.
func TestRepair(t *testing.T) {
	s := newStore(t)
	known := func(p file.Path) Expected {
		t.Helper()
		keepOne(t, s, route, p)
		x, found, err := s.ExpectedAt(t.Context(), route, p)
		if err != nil || !found {
			t.Fatal(found, err)
		}
		return x
	}
	one := func(r Repair) RepairResult {
		t.Helper()
		results, err := s.Repair(t.Context(), []Repair{r})
		if err != nil || len(results) != 1 {
			t.Fatal(results, err)
		}
		return results[0]
	}
	of := func(x *Expected) Repair {
		return Repair{Intent: intentFor(route, x.Path), Size: x.Size, SHA256: x.SHA256}
	}
	x := known("a.xml")
	stale := of(&x)
	stale.SHA256 = []byte("another")
	if got := one(stale); !got.Stale || got.OK {
		t.Errorf("stale: %+v", got)
	}
	r := of(&x)
	r.Overwrite = true
	if got := one(r); !got.OK {
		t.Fatalf("refused: %+v", got)
	}
	if in := stored(t, s, r.Intent.ID); in.Phase != Planned || !in.Overwrite {
		t.Errorf("%+v", in)
	}
	now, _, err := s.ExpectedAt(t.Context(), route, "a.xml")
	if err != nil || now.SHA256 != nil || !now.Known.Racy || !now.Known.Owned || !now.UnderWay() {
		t.Errorf("%+v, %v", now, err)
	}
	if got := one(of(&now)); got.OK || got.Other.ID != r.Intent.ID {
		t.Errorf("twice: %+v", got)
	}
	if ok, err := s.ForgetAt(t.Context(), &now); ok || err != nil {
		t.Error("forgotten while it is under way", err)
	}
	deliver(t, s, r.Intent, true)
	if now, _, err = s.ExpectedAt(t.Context(), route, "a.xml"); err != nil || now.SHA256 == nil || now.Known.Racy || now.Last.ID != r.Intent.ID {
		t.Errorf("%+v, %v", now, err)
	}

	held := known("b.xml")
	h := of(&held)
	h.Intent.Phase, h.Intent.LastError = Held, "both sides"
	if got := one(h); !got.OK {
		t.Fatalf("refused: %+v", got)
	}
	if in := stored(t, s, h.Intent.ID); in.Phase != Held || in.Overwrite || in.LastError != "both sides" {
		t.Errorf("%+v", in)
	}
	if _, err := s.Cancel(t.Context(), Selection{ID: h.Intent.ID}); err != nil {
		t.Fatal(err)
	}
	held, _, err = s.ExpectedAt(t.Context(), route, "b.xml")
	if err != nil {
		t.Fatal(err)
	}
	if got := one(of(&held)); got.OK || got.Other.Phase != Cancelled {
		t.Errorf("cancelled: %+v", got)
	}

	third := known("c.xml")
	blocker := intentFor(Route{Folder: "orders", Destination: route.Destination}, "c.xml")
	planOne(t, s, blocker)
	if got := one(of(&third)); got.OK || got.Other.ID != blocker.ID {
		t.Errorf("another file of the name: %+v", got)
	}
	if now, _, err := s.ExpectedAt(t.Context(), route, "c.xml"); err != nil || now.SHA256 == nil {
		t.Errorf("what was refused has changed: %+v, %v", now, err)
	}
	gone := third
	gone.Size++
	if ok, err := s.ForgetAt(t.Context(), &gone); ok || err != nil {
		t.Error("forgotten although it is another", err)
	}
	if ok, err := s.ForgetAt(t.Context(), &third); !ok || err != nil {
		t.Error(ok, err)
	}
	if _, found, err := s.ExpectedAt(t.Context(), route, "c.xml"); found || err != nil {
		t.Error(found, err)
	}
}

func TestHasTime(t *testing.T) {
	at := time.Unix(1_700_000_000, 900_000_000)
	x := Expected{Known: &Known{Fingerprint: file.Fingerprint{ModTime: at.UnixNano()}}}
	for after, want := range map[time.Duration]bool{0: true, -900 * time.Millisecond: true, 2 * time.Second: true, 3200 * time.Millisecond: false} {
		if got := x.HasTime(at.Add(after), 2*time.Second); got != want {
			t.Errorf("%v later: %v", after, got)
		}
	}
}
