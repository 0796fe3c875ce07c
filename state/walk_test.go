package state

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// Names as they come: not UTF-8, with newlines, and such as sort differently under any collation but bytes.
var oddPaths = []file.Path{
	"a", "A", "a/b", "a-b", "a.b", "a\nb", "a b", "ä", "a\u0308", "\xff\xfe", "z", "\x80", "a\xc3", "a%2Fb", "日本.xml", "a'b\"", "a?b#c",
	"a\x01", "é/\xe9.txt",
}

func TestPathsAreBytesAndSortedAsSuch(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir)
	for i, p := range oddPaths {
		in := planOne(t, s, intentFor(route, p))
		if i%2 == 0 {
			deliver(t, s, in, true)
		}
	}
	closeStore(t, s)
	s = openAt(t, dir)
	var got []file.Path
	for r, err := range s.Walk(t.Context(), route.Folder) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Path)
		if len(r.Known)+len(r.Intents) != 1 {
			t.Errorf("%q: %+v", r.Path, r)
		}
		one, err := s.Lookup(t.Context(), route.Folder, r.Path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "looked up", r, one)
		for _, in := range r.Intents {
			if in.Path != r.Path || in.Final != "/incoming/"+string(r.Path) {
				t.Errorf("%q has become %q at %q", r.Path, in.Path, in.Final)
			}
		}
		for _, k := range r.Known {
			if k.Path != r.Path || k.RemotePath != "/incoming/"+string(r.Path) {
				t.Errorf("%q has become %q at %q", r.Path, k.Path, k.RemotePath)
			}
		}
	}
	if want := slices.Sorted(slices.Values(oddPaths)); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWalkBringsAllOfAPathTogether(t *testing.T) {
	s := newStore(t)
	deliver(t, s, planOne(t, s, intentFor(second, "b")), true)
	deliver(t, s, planOne(t, s, intentFor(route, "b")), true)
	deliver(t, s, planOne(t, s, intentFor(route, "a")), true)
	b1 := planOne(t, s, intentFor(second, "b"))
	b2 := planOne(t, s, intentFor(route, "b"))
	c := planOne(t, s, intentFor(route, "c"))
	planOne(t, s, intentFor(Route{Folder: "another", Destination: "acme"}, "d"))

	type seen struct {
		path    file.Path
		known   string
		intents []string
	}
	var got []seen
	for r, err := range s.Walk(t.Context(), route.Folder) {
		if err != nil {
			t.Fatal(err)
		}
		var known []string
		for _, k := range r.Known {
			known = append(known, k.Destination)
		}
		got = append(got, seen{r.Path, strings.Join(known, " "), ids(r.Intents)})
	}
	want := []seen{{"a", "acme", []string{}}, {"b", "acme globex", []string{b1.ID, b2.ID}}, {"c", "", []string{c.ID}}}
	same(t, "walked", want, got)
}

func TestWalkIsASnapshotAndLetsOthersWork(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"a", "b", "c"} {
		planOne(t, s, intentFor(route, p))
	}
	var got []file.Path
	for r, err := range s.Walk(t.Context(), route.Folder) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Path)
		if r.Path == "a" {
			planOne(t, s, intentFor(route, "bb"))
			if ok, err := s.Drop(t.Context(), mustFind(t, s, "c")); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		for _, err := range s.Walk(t.Context(), route.Folder) { // one inside the other
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if !slices.Equal(got, []file.Path{"a", "b", "c"}) {
		t.Errorf("walked %q", got)
	}
}

func mustFind(t *testing.T, s *Store, p file.Path) string {
	t.Helper()
	r, err := s.Lookup(t.Context(), route.Folder, p)
	if err != nil || len(r.Intents) != 1 {
		t.Fatal(r, err)
	}
	return r.Intents[0].ID
}

func TestWalkEndsWithItsContext(t *testing.T) {
	s := newStore(t)
	fillKnown(t, s, 2*checkEvery)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.Walk(ctx, route.Folder) {
		cancel()
		if last = err; err == nil {
			n++
		}
	}
	if !errors.Is(last, context.Canceled) || n >= 2*checkEvery {
		t.Errorf("%d paths, then %v", n, last)
	}
	for r, err := range s.Walk(ctx, route.Folder) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("under an ended context: %v, %v", r, err)
		}
	}
}

func TestIntents(t *testing.T) {
	s := newStore(t)
	a := planOne(t, s, intentFor(route, "a"))
	b := planOne(t, s, intentFor(second, "b"))
	c := planOne(t, s, intentFor(Route{Folder: "reports", Destination: "acme"}, "c"))
	if err := s.Fail(t.Context(), b.ID, Failure{Err: "no", Phase: Held}); err != nil {
		t.Fatal(err)
	}
	if err := s.Fail(t.Context(), c.ID, Failure{Err: "no", Phase: Parked}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		folder, destination string
		limit               int
		phases              []Phase
		want                []string
	}{
		{"", "", 0, nil, []string{a.ID, b.ID, c.ID}},
		{"", "", 2, nil, []string{a.ID, b.ID}},
		{"invoices", "", 0, nil, []string{a.ID, b.ID}},
		{"", "acme", 0, nil, []string{a.ID, c.ID}},
		{"invoices", "acme", 0, nil, []string{a.ID}},
		{"", "", 0, []Phase{Held, Parked}, []string{b.ID, c.ID}},
		{"", "globex", 1, []Phase{Held}, []string{b.ID}},
		{"", "", 0, []Phase{Delivered}, []string{}},
	}
	for _, test := range tests {
		got, err := s.Intents(t.Context(), test.folder, test.destination, test.limit, test.phases...)
		if err != nil || !slices.Equal(ids(got), test.want) {
			t.Errorf("%+v: %v, %v", test, ids(got), err)
		}
	}
}

// A query that sorts, or reads a whole table, is quick in a test and slow a year later.
func TestQueriesFollowAnIndex(t *testing.T) {
	s := newStore(t)
	historyOf := func(f Filter) string {
		q, _ := history(f, renamings{}, nil)
		return q
	}
	page, _ := history(Filter{}, renamings{}, []any{1, 2})
	queries := map[string]struct {
		sql  string
		uses string
		args int
	}{
		"walk known":     {walkKnown, "SEARCH known USING PRIMARY KEY (folder=?)", 1},
		"known below":    {walkKnownBelow, "SEARCH known USING PRIMARY KEY (folder=? AND path>? AND path<?)", 3},
		"intents below":  {walkIntentsBelow, "SEARCH intents USING INDEX intents_path (folder=? AND path>? AND path<?)", 3},
		"walk intents":   {walkIntents, "SEARCH intents USING INDEX intents_path (folder=?)", 1},
		"committing":     {dueCommitting(""), "intents_due (phase=? AND destination=? AND next_attempt<?)", 2},
		"fresh":          {dueFresh(""), "intents_due (phase=? AND destination=? AND next_attempt=? AND turn=?)", 1},
		"due again":      {dueAgain(""), "COVERING INDEX intents_due (phase=? AND destination=? AND next_attempt>? AND next_attempt<?)", 3},
		"due if paused":  {dueFresh(inPausedFolder), "intents_due (phase=? AND destination=? AND next_attempt=? AND turn=?)", 1},
		"line":           {lineCommitting, "intents_due (phase=? AND destination=?)", 2},
		"fresh placed":   {freshPlaced, "intents_placed (destination=? AND folder=? AND turn=? AND phase=? AND next_attempt=?", 3},
		"placed again":   {againPlaced, "COVERING INDEX intents_placed (destination=? AND folder=? AND turn=? AND phase=? AND next_attempt>? AND next_attempt<?)", 5},
		"placed aside":   {asidePlaced, "COVERING INDEX intents_placed (destination=? AND folder=? AND turn=? AND phase=?)", 3},
		"lined":          {lined, "intents_lined (destination=? AND folder=?)", 2},
		"first dir":      {firstDir, "COVERING INDEX intents_last (destination=? AND folder=? AND turn=? AND dir>?)", 3},
		"next dir":       {nextDir, "COVERING INDEX intents_last (destination=? AND folder=? AND turn=? AND dir>?)", 4},
		"first in a dir": {firstIn, "intents_last (destination=? AND folder=? AND turn=? AND dir=?)", 4},
		"below a dir":    {below, "intents_last (destination=? AND folder=? AND turn=? AND dir>? AND dir<?)", 5},
		"below the root": {belowAll, "intents_last (destination=? AND folder=? AND turn=? AND dir>?)", 3},
		"due in a dir":   {dueIn, "intents_last (destination=? AND folder=? AND turn=? AND dir=?)", 5},
		"version":        {selectVersion, "intents_version (version=?)", 1},
		"ended":          {selectEnded, "intents_ended (folder=?)", 1},
		"history":        {historyOf(Filter{}), "deliveries_time (delivered_at>?)", 2},
		"next page":      {page, "deliveries_time (delivered_at>? AND delivered_at<?)", 4},
		"folder history": {historyOf(Filter{Folder: "f", Destination: "d"}), "deliveries_time (delivered_at>?)", 4},
		"of a size":      {sizedLike("destination = ?"), "deliveries_size (size=? AND destination=?)", 3},
		"path history":   {historyOf(Filter{Folder: "f", Path: "p"}), "deliveries_path (folder=? AND path=?)", 4},
	}
	sorts := []string{"committing", "line", "due again", "placed again", "placed aside", "path history"} // a few rows, or no more than wanted
	for name, q := range queries {
		t.Run(name, func(t *testing.T) {
			var plan []string
			err := s.read(t.Context(), "explain", func(c *conn) error {
				return c.each(func(r row) error {
					plan = append(plan, r.text(3))
					return nil
				}, "EXPLAIN QUERY PLAN "+q.sql, make([]any, q.args)...)
			})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(plan, "\n")
			if !strings.Contains(text, q.uses) {
				t.Errorf("does not use %s:\n%s", q.uses, text)
			}
			if strings.Contains(text, "TEMP B-TREE") && !slices.Contains(sorts, name) {
				t.Errorf("sorts:\n%s", text)
			}
			few := strings.NewReplacer("SCAN pauses", "", "SCAN halts", "", "SCAN stopped", "") // there are a few at most
			if strings.Contains(few.Replace(text), "SCAN") {
				t.Errorf("reads a whole table:\n%s", text)
			}
		})
	}
}

func TestCounts(t *testing.T) {
	s := newStore(t)
	want := map[Route]Count{}
	for i, phase := range []Phase{Planned, Planned, Committing, Delivered, Delivered, Held, Parked} {
		r := route
		if i%2 == 1 {
			r = second
		}
		in := planOne(t, s, intentFor(r, file.Path(fmt.Sprint(i))))
		c := want[r]
		c.Route = r
		switch phase {
		case Planned:
			c.Planned++
		case Committing:
			commit(t, s, in)
			c.Committing++
		case Delivered:
			deliver(t, s, in, false)
			c.Delivered++
			c.Known++
		default:
			if err := s.Fail(t.Context(), in.ID, Failure{Err: "no", Phase: phase}); err != nil {
				t.Fatal(err)
			}
			c.Held += map[Phase]int{Held: 1}[phase]
			c.Parked += map[Phase]int{Parked: 1}[phase]
		}
		want[r] = c
	}
	deliver(t, s, planOne(t, s, intentFor(second, "known")), true)
	c := want[second]
	c.Known++
	want[second] = c
	forgotten := Route{Folder: "reports", Destination: "acme"}
	deliver(t, s, planOne(t, s, intentFor(forgotten, "x")), true)
	if err := s.Forget(t.Context(), "reports", []file.Path{"x"}); err != nil {
		t.Fatal(err)
	}
	got, err := s.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", []Count{want[route], want[second]}, got)
}

func TestDestinationsAndMeta(t *testing.T) {
	s := newStore(t)
	block := Block{Destination: "acme", Kind: "auth", Reason: "denied", Secret: "k", Since: noon}
	other := Block{Destination: "globex", Kind: "host-key", Reason: "changed", Since: noon, NextProbe: noon}
	for _, b := range []Block{other, {Destination: "acme", Kind: "old"}, block} {
		if err := s.SetBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Blocks(t.Context()); err != nil || !slices.Equal(got, []Block{block, other}) {
		t.Errorf("%v, %v", got, err)
	}
	for range 2 {
		if err := s.ClearBlock(t.Context(), "acme"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Blocks(t.Context()); err != nil || !slices.Equal(got, []Block{other}) {
		t.Errorf("%v, %v", got, err)
	}

	if err := s.SaveCapabilities(t.Context(), "acme", "host and user", []byte(`{"rename":true}`)); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := s.Capabilities(t.Context(), "acme", "host and user"); err != nil || !ok || string(got) != `{"rename":true}` {
		t.Errorf("%s, %t, %v", got, ok, err)
	}
	if got, ok, err := s.Capabilities(t.Context(), "acme", "another host"); ok || err != nil {
		t.Errorf("of another server: %s, %v", got, err)
	}

	// A destination may be several servers, of which the last few are remembered.
	for n := range identitiesKept {
		if err := s.SaveCapabilities(t.Context(), "acme", fmt.Sprint(n), []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if err := s.SaveCapabilities(t.Context(), "acme", "host and user", []byte(`{"rename":false}`)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for identity, want := range map[string]bool{"host and user": true, "0": false, "1": true, fmt.Sprint(identitiesKept - 1): true} {
		if _, ok, err := s.Capabilities(t.Context(), "acme", identity); ok != want || err != nil {
			t.Errorf("the server %q is known: %v, %v", identity, ok, err)
		}
	}

	for _, value := range []string{"1", "2\n\xff"} {
		if err := s.SetMeta(t.Context(), "paused", value); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Meta(t.Context(), "paused"); err != nil || got != value {
			t.Errorf("%q, %v", got, err)
		}
	}
	if got, err := s.Meta(t.Context(), "never set"); err != nil || got != "" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestEnoughDoesNotOverflow(t *testing.T) {
	for _, test := range []struct{ limit, skipped, want int }{
		{10, 5, 15}, {math.MaxInt, 0, math.MaxInt}, {math.MaxInt, 1, -1},
	} {
		if got := enough(test.limit, test.skipped); got != test.want {
			t.Errorf("enough(%d, %d) = %d, want %d", test.limit, test.skipped, got, test.want)
		}
	}
}

func TestWalkBelow(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"d", "d-e", "d.e", "d/a", "d/b/c", "d0", "e/d/a", "\xff/d"} {
		deliver(t, s, planOne(t, s, intentFor(route, p)), true)
		planOne(t, s, intentFor(second, p))
	}
	for dir, want := range map[file.Path]string{"d": "d/a d/b/c", "d/b": "d/b/c", "e": "e/d/a", "\xff": "\xff/d", "x": "", "d/a": ""} {
		var got []string
		for r, err := range s.WalkBelow(t.Context(), route.Folder, dir) {
			if err != nil || len(r.Known) != 1 || len(r.Intents) != 1 {
				t.Fatal(r, err)
			}
			got = append(got, string(r.Path))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("below %s: %q, want %q", dir, got, want)
		}
	}
}
