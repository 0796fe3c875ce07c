package state

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// planTurn plans a file with a turn.
func planTurn(t *testing.T, s *Store, r Route, p file.Path, turn Turn) Intent {
	t.Helper()
	in := intentFor(r, p)
	got, err := s.Plan(t.Context(), []Plan{{Intent: in, Turn: turn}})
	if err != nil || !got[0].OK {
		t.Fatalf("plan %s: %v, %v", p, got, err)
	}
	return in
}

func dueNow(t *testing.T, s *Store, limit int, skip ...Intent) string {
	t.Helper()
	without := map[string]bool{}
	for _, in := range skip {
		without[in.ID] = true
	}
	due, err := s.Due(t.Context(), route.Destination, noon, limit, without)
	if err != nil {
		t.Fatal(err)
	}
	return pathsOf(due)
}

func pathsOf(all []Intent) string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = string(all[i].Path)
	}
	return strings.Join(names, " ")
}

// TestDueInOrder has several folders in the order of paths beside each other, and nothing of those that others decide about.
func TestDueInOrder(t *testing.T) {
	s := newStore(t)
	other := Route{Folder: "reports", Destination: route.Destination}
	planTurn(t, s, route, "c", Turn{})
	planTurn(t, s, other, "z", Turn{})
	planTurn(t, s, route, "a", Turn{Dirs: true})
	planTurn(t, s, other, "y", Turn{})
	again := planTurn(t, s, route, "b", Turn{})
	later := planTurn(t, s, route, "0", Turn{})
	for in, next := range map[string]time.Time{again.ID: noon.Add(-time.Second), later.ID: noon.Add(time.Second)} {
		if err := s.Fail(t.Context(), in, Failure{Err: "no", Next: next}); err != nil {
			t.Fatal(err)
		}
	}
	planTurn(t, s, route, "by size", Turn{Kind: Placed})
	planTurn(t, s, route, "strict", Turn{Kind: InLine})
	planTurn(t, s, route, "x.done", Turn{Kind: Last, Dirs: true})
	for _, c := range []struct {
		limit int
		skip  []Intent
		want  string
	}{
		{0, nil, "a y b z c"},
		{3, nil, "a y b"},
		{1, nil, "a"},
		{2, []Intent{again}, "a y"},
	} {
		if got := dueNow(t, s, c.limit, c.skip...); got != c.want {
			t.Errorf("%d: %q, want %q", c.limit, got, c.want)
		}
	}
	if _, _, err := s.Pause(t.Context(), Route{Folder: other.Folder}, noon); err != nil {
		t.Fatal(err)
	}
	if got := dueNow(t, s, 0); got != "a b c" {
		t.Errorf("with a folder paused: %q", got)
	}
	commit(t, s, again)
	if got := dueNow(t, s, 2); got != "b a" {
		t.Errorf("what may be published comes first: %q", got)
	}
	if got := dueNow(t, s, 1); got != "b" {
		t.Errorf("one: %q", got)
	}
}

func TestDuePlaced(t *testing.T) {
	s := newStore(t)
	at := map[string]Intent{}
	for p, size := range map[file.Path]int64{"big": 900, "small": 5, "b": 50, "a": 50, "failed": 6, "later": 4, "held": 3} {
		at[string(p)] = planTurn(t, s, route, p, Turn{Kind: Placed, Place: size})
		planTurn(t, s, second, p, Turn{Kind: Placed, Place: -size})
	}
	for name, f := range map[string]Failure{
		"failed": {Next: noon}, "later": {Next: noon.Add(1)}, "held": {Phase: Held},
	} {
		f.Err = "no"
		if err := s.Fail(t.Context(), at[name].ID, f); err != nil {
			t.Fatal(err)
		}
	}
	due := func(limit int, skip ...string) string {
		t.Helper()
		without := map[string]bool{}
		for _, name := range skip {
			without[at[name].ID] = true
		}
		found, err := s.DuePlaced(t.Context(), route, noon, limit, without)
		if err != nil {
			t.Fatal(err)
		}
		return pathsOf(found)
	}
	if got := due(10); got != "small failed a b big" {
		t.Errorf("all: %q", got)
	}
	if got := due(2, "small", "a"); got != "failed b" {
		t.Errorf("two: %q", got)
	}
	if _, _, err := s.Pause(t.Context(), route, noon); err != nil {
		t.Fatal(err)
	}
	if got := due(10); got != "" {
		t.Errorf("on a paused route: %q", got)
	}
}

// line returns what decides on a route with two patterns.
func line(t *testing.T, s *Store, r Route, others int) Line {
	t.Helper()
	l, err := s.Line(t.Context(), r, Ordered{Others: others, Last: 2}, nil, func(*Group) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// groupsFrom returns all groups behind one, or as many as wanted.
func groupsFrom(t *testing.T, s *Store, others int, from *Group, most int) []Group {
	t.Helper()
	var all []Group
	_, err := s.Line(t.Context(), route, Ordered{Others: others, Last: 2}, from, func(g *Group) bool {
		all = append(all, *g)
		in, err := s.Ahead(t.Context(), route, Ordered{Others: others, Last: 2}, g.Kind, g.Dir)
		if err != nil || (in == nil) != (g.Ahead == nil) || in != nil && in.ID != g.Ahead.ID {
			t.Errorf("ahead of %+v is %v, %v", g, in, err)
		}
		return len(all) < most
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFirstInLine(t *testing.T) {
	s := newStore(t)
	if l := line(t, s, route, InLine); l.First != nil || l.Committing != nil || l.Stopped {
		t.Errorf("nothing is planned: %+v", l)
	}
	at := map[string]Intent{}
	for i, p := range []file.Path{"e", "d", "c", "b", "a"} {
		at[string(p)] = planTurn(t, s, route, p, Turn{Kind: InLine, Place: int64(i / 4)}) // a last of all
		planTurn(t, s, second, p, Turn{Kind: InLine})
	}
	first := func() string {
		t.Helper()
		if l := line(t, s, route, InLine); l.First != nil {
			return string(l.First.Path)
		}
		return ""
	}
	step := func(what, want string) {
		t.Helper()
		if got := first(); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	fail := func(name string, f Failure) {
		t.Helper()
		f.Err = "no"
		if err := s.Fail(t.Context(), at[name].ID, f); err != nil {
			t.Fatal(err)
		}
	}
	step("by place, and then by name", "b")
	fail("b", Failure{Next: noon.Add(time.Hour)})
	step("one that waits for its next attempt is passed by nobody", "b")
	fail("d", Failure{Next: noon})
	step("nor does one pass that has failed too", "b")
	fail("b", Failure{Phase: Parked})
	step("nor is one that was given up", "b")
	if _, err := s.Cancel(t.Context(), Selection{ID: at["b"].ID}); err != nil {
		t.Fatal(err)
	}
	step("one that was cancelled stops nobody", "c")
	commit(t, s, at["c"])
	if l := line(t, s, route, InLine); l.Committing == nil || l.Committing.Path != "c" || l.First.Path != "d" {
		t.Errorf("one that may be published: %+v", l)
	}
	fail("c", Failure{Phase: Held})
	step("one that is held", "c")
	if _, _, err := s.Pause(t.Context(), Route{Destination: route.Destination}, noon); err != nil {
		t.Fatal(err)
	}
	if l := line(t, s, route, InLine); !l.Stopped {
		t.Error("a pause is not seen")
	}
	if l := line(t, s, second, InLine); l.Stopped || l.First.Path != "a" {
		t.Errorf("the other route: %+v", l)
	}
}

// groups tells which groups there are, with their first and what they wait for.
func groups(found []Group) string {
	var all []string
	for _, g := range found {
		text := fmt.Sprintf("%d:%s:%s", g.Kind-Last, g.Dir, g.First.Path)
		if g.Ahead != nil {
			text += "<" + string(g.Ahead.Path)
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestWhatGoesLast(t *testing.T) {
	done, manifest := Turn{Kind: Last, Dirs: true}, Turn{Kind: Last + 1, Dirs: true}
	data := Turn{Dirs: true}
	for _, c := range []struct {
		name  string
		files map[file.Path]Turn
		want  string
	}{
		{"nothing else", map[file.Path]Turn{"x.done": done}, "0::x.done"},
		{"beside it", map[file.Path]Turn{"x.done": done, "a": data}, "0::x.done<a"},
		{"below it", map[file.Path]Turn{"d/x.done": done, "d/e/f/a": data}, "0:d:d/x.done<d/e/f/a"},
		{"above it", map[file.Path]Turn{"d/x.done": done, "a": data}, "0:d:d/x.done"},
		{"a name that only begins like its directory", map[file.Path]Turn{"d/x.done": done, "d-2/a": data, "d.a": data, "d0/a": data}, "0:d:d/x.done"},
		{"several of one pattern", map[file.Path]Turn{"x.done": done, "y.done": done}, "0::x.done"},
		{"of two patterns", map[file.Path]Turn{"MANIFEST": manifest, "x.done": done}, "0::x.done 1::MANIFEST<x.done"},
		{"in a directory above", map[file.Path]Turn{"x.done": done, "d/y.done": done, "d/a": data}, "0::x.done<d/a 0:d:d/y.done<d/a"},
		{"in a directory above, the data is there", map[file.Path]Turn{"x.done": done, "d/y.done": done}, "0::x.done<d/y.done 0:d:d/y.done"},
		{"a later pattern in a directory below", map[file.Path]Turn{"x.done": done, "d/MANIFEST": manifest}, "0::x.done<d/MANIFEST 1:d:d/MANIFEST"},
		{"deep", map[file.Path]Turn{"d/x.done": done, "d/e/y.done": done, "e/z.done": done}, "0:d:d/x.done<d/e/y.done 0:d/e:d/e/y.done 0:e:e/z.done"},
	} {
		for _, others := range []int{Free, Placed, InLine} {
			t.Run(fmt.Sprintf("%s/%v", c.name, others), func(t *testing.T) {
				s := newStore(t)
				for p, turn := range c.files {
					if turn.Kind == Free {
						turn.Kind = others
					}
					planTurn(t, s, route, p, turn)
					planTurn(t, s, Route{Folder: "reports", Destination: route.Destination}, "other/"+p, data)
				}
				if got := groups(groupsFrom(t, s, others, &Group{}, 100)); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		}
	}
}

// TestWhatLastWaitsFor takes a file through all that can become of it.
func TestWhatLastWaitsFor(t *testing.T) {
	s := newStore(t)
	a := planTurn(t, s, route, "a", Turn{Dirs: true})
	b := planTurn(t, s, route, "b", Turn{Dirs: true})
	planTurn(t, s, route, "x.done", Turn{Kind: Last, Dirs: true})
	planTurn(t, s, second, "c", Turn{Dirs: true})
	step := func(what, want string) {
		t.Helper()
		if got := groups(groupsFrom(t, s, Free, nil, 100)); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	step("planned", "0::x.done<a")
	if err := s.Fail(t.Context(), a.ID, Failure{Err: "no", Next: noon.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	step("failed", "0::x.done<a")
	if err := s.Fail(t.Context(), a.ID, Failure{Err: "no", Phase: Parked}); err != nil {
		t.Fatal(err)
	}
	step("given up", "0::x.done<a")
	if _, err := s.Cancel(t.Context(), Selection{ID: a.ID}); err != nil {
		t.Fatal(err)
	}
	step("cancelled", "0::x.done<b")
	commit(t, s, b)
	step("about to be published", "0::x.done<b")
	if ok, err := s.Deliver(t.Context(), b.ID, deliveryOf(b, false)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	step("delivered, and not put away yet", "0::x.done")
}

// TestGroupsInParts looks at as many groups as wanted, and goes on behind them.
func TestGroupsInParts(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"x.done", "a/x.done", "b/x.done", "b/y.done", "c/x.done"} {
		planTurn(t, s, route, p, Turn{Kind: Last, Dirs: true})
	}
	for _, p := range []file.Path{"MANIFEST", "b/MANIFEST"} {
		planTurn(t, s, route, p, Turn{Kind: Last + 1, Dirs: true})
	}
	var got []Group
	for from := (&Group{}); ; from = &got[len(got)-1] {
		part := groupsFrom(t, s, Free, from, 2)
		if got = append(got, part...); len(part) < 2 {
			break
		}
	}
	want := "0::x.done<a/x.done 0:a:a/x.done 0:b:b/x.done 0:c:c/x.done 1::MANIFEST<a/x.done 1:b:b/MANIFEST<b/x.done"
	if groups(got) != want {
		t.Errorf("%q, want %q", groups(got), want)
	}
}

// TestGroupsBeforeTheFirst looks at those alone that might go before the first in line, in order.
func TestGroupsBeforeTheFirst(t *testing.T) {
	s := newStore(t)
	planTurn(t, s, route, "c/data", Turn{Kind: InLine, Place: 5, Dirs: true})
	for p, place := range map[file.Path]int64{"z/1.done": 1, "z/2.done": 2, "c/1.done": 3, "b/1.done": 5, "d/1.done": 5, "a/1.done": 9} {
		planTurn(t, s, route, p, Turn{Kind: Last, Place: place, Dirs: true})
	}
	planTurn(t, s, route, "y/MANIFEST", Turn{Kind: Last + 1, Place: 2, Dirs: true})
	if got, want := groups(groupsFrom(t, s, InLine, nil, 100)), "0:z:z/1.done 1:y:y/MANIFEST 0:c:c/1.done<c/data 0:b:b/1.done"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := groups(groupsFrom(t, s, InLine, nil, 1)), "0:z:z/1.done"; got != want {
		t.Errorf("one of them: %q, want %q", got, want)
	}
	if n := len(groupsFrom(t, s, InLine, &Group{}, 100)); n != 6 {
		t.Errorf("%d groups in all, want 6", n)
	}
}

func TestDueLast(t *testing.T) {
	s := newStore(t)
	var all []Intent
	for i, p := range []file.Path{"d/c.done", "d/b.done", "d/a.done", "d/e/a.done", "a.done"} {
		all = append(all, planTurn(t, s, route, p, Turn{Kind: Last, Place: int64(i / 2), Dirs: true}))
	}
	due := func(limit int, skip ...string) string {
		t.Helper()
		without := map[string]bool{}
		for _, id := range skip {
			without[id] = true
		}
		found, err := s.DueLast(t.Context(), route, Group{Kind: Last, Dir: "d"}, noon, limit, without)
		if err != nil {
			t.Fatal(err)
		}
		return pathsOf(found)
	}
	if got := due(10); got != "d/b.done d/c.done d/a.done" {
		t.Errorf("all: %q", got)
	}
	if got := due(1, all[1].ID); got != "d/c.done" {
		t.Errorf("one: %q", got)
	}
	if err := s.Fail(t.Context(), all[1].ID, Failure{Err: "no", Next: noon.Add(1)}); err != nil {
		t.Fatal(err)
	}
	commit(t, s, all[0])
	if got := due(10); got != "d/a.done" {
		t.Errorf("what is due: %q", got)
	}
	if n, err := s.CountLast(t.Context(), route, Ordered{Last: 2}); n != 5 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if got := dueNow(t, s, 0); got != "d/c.done" {
		t.Errorf("by itself goes %q, want only what may be published", got)
	}
}

// TestArrange gives what is planned other turns when the rules change, and looks at nothing as long as they do not.
func TestArrange(t *testing.T) {
	s := newStore(t)
	names := make([]string, 0, 1500)
	for i := range 1500 { // more than are changed at once
		p := file.Path(fmt.Sprintf("%04d", i))
		planTurn(t, s, route, p, Turn{})
		names = append(names, string(p))
	}
	planTurn(t, s, Route{Folder: "reports", Destination: route.Destination}, "r", Turn{})
	asked := 0
	backwards := func(p file.Path, _ file.Fingerprint) Turn {
		asked++
		n, _ := strconv.Atoi(string(p))
		return Turn{Kind: Placed, Place: int64(-n)}
	}
	arrange := func(rules string) {
		t.Helper()
		configure(t, s, Configured{Orders: []FolderOrder{{route.Folder, rules, backwards}}})
	}
	due := func() []string {
		t.Helper()
		if _, _, err := s.Pause(t.Context(), Route{Folder: "reports"}, noon); err != nil {
			t.Fatal(err)
		}
		placed, err := s.DuePlaced(t.Context(), route, noon, 2000, nil)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(dueNow(t, s, 0) + " " + pathsOf(placed))
	}
	arrange("")
	if asked != 0 || !slices.Equal(due(), names) {
		t.Errorf("the usual order was arranged: %d", asked)
	}
	arrange("mtime")
	slices.Reverse(names)
	if asked != 1500 || !slices.Equal(due(), names) {
		t.Errorf("arranged %d, and not backwards", asked)
	}
	arrange("mtime")
	if asked != 1500 {
		t.Error("arranged again by the same rules")
	}
	last := func(file.Path, file.Fingerprint) Turn { return Turn{Kind: Last, Dirs: true} }
	configure(t, s, Configured{Orders: []FolderOrder{{route.Folder, "last", last}}})
	if len(due()) > 0 {
		t.Errorf("all of them go last: %v", due())
	}
	if n, err := s.CountLast(t.Context(), route, Ordered{Last: 1}); n != 1500 || err != nil {
		t.Errorf("%d go last, %v", n, err)
	}
	free := func(file.Path, file.Fingerprint) Turn { return Turn{} }
	configure(t, s, Configured{Orders: []FolderOrder{{route.Folder, "", free}}})
	slices.Reverse(names)
	if !slices.Equal(due(), names) {
		t.Error("the usual order is not back")
	}
	if n, err := s.CountLast(t.Context(), route, Ordered{Last: 1}); n != 0 || err != nil {
		t.Errorf("%d still go last, %v", n, err)
	}
}

// TestAnOlderStoreGetsTurns brings a store of the schema before up to date.
func TestAnOlderStoreGetsTurns(t *testing.T) {
	dir := t.TempDir()
	s, err := open(t.Context(), dir, schemaBefore(t, "ADD COLUMN turn"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.write(t.Context(), "an intent of before", func(c *conn) error {
		_, err := c.exec(`INSERT INTO intents (id, version, folder, destination, path, size, mtime, ctime, dev, ino, reason, final, temp,
			archive, ready_at, phase) VALUES ('i', 'v', ?, ?, 'b', 1, 2, 3, 4, 5, 'new', '/b', '/.b', '', 6, 'planned')`, route.Folder, route.Destination)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = openAt(t, dir)
	planTurn(t, s, route, "a", Turn{})
	if got := dueNow(t, s, 0); got != "a b" {
		t.Errorf("due: %q", got)
	}
}
