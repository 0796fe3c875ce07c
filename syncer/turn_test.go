package syncer

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// openFile is an intent by its path; a "!" before it says that it was given up, a "?" that it has failed.
func openFile(text string) *state.Intent {
	in := &state.Intent{Phase: state.Planned, ReadyAt: time.Unix(100, 0)}
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		text, in.Phase, in.LastError = rest, state.Parked, "no"
	}
	if rest, ok := strings.CutPrefix(text, "?"); ok {
		text, in.LastError, in.Failures = rest, "no", 1
	}
	in.Path, in.ID = file.Path(text), "id of "+text
	return in
}

// TestStrictOrder reads like this: first of those in line, groups that go last as "first" or "first<ahead", what is
// settling; then whose turn it is, and what stops it.
func TestStrictOrder(t *testing.T) {
	seen := sight{whole: true}
	for _, c := range []struct {
		name       string
		first      string
		committing string
		groups     []string
		settling   []file.Path
		sight      sight
		next       string
		stop       ObstacleKind
		by         file.Path
	}{
		{name: "nothing", sight: seen},
		{name: "the first", first: "b", sight: seen, next: "b"},
		{name: "one that may be published", first: "a", committing: "c", sight: seen, next: "c", stop: IsQueued, by: "c"},
		{name: "the first has failed and is tried again", first: "?b", sight: seen, next: "b"},
		{name: "the first was given up", first: "!b", sight: seen, next: "b", stop: IsParked, by: "b"},
		{name: "one before it is settling", first: "b", settling: []file.Path{"a"}, sight: seen, next: "b", stop: IsSettling, by: "a"},
		{name: "one behind it is settling", first: "b", settling: []file.Path{"c"}, sight: seen, next: "b"},
		{name: "it settles once more itself", first: "b", settling: []file.Path{"b"}, sight: seen, next: "b"},
		{name: "one that goes last is settling", first: "b", settling: []file.Path{"a.done"}, sight: seen, next: "b"},
		{name: "before the first scan", first: "b", next: "b", stop: IsUnseen},
		{name: "during a scan that has found it", first: "b", sight: sight{true, time.Unix(99, 0)}, next: "b", stop: IsUnseen},
		{name: "during a scan that began later", first: "b", sight: sight{true, time.Unix(101, 0)}, next: "b"},

		{name: "last, and nothing else", groups: []string{"a.done"}, sight: seen, next: "a.done"},
		{name: "last, and its data comes first", first: "b", groups: []string{"a.done<b"}, sight: seen, next: "b"},
		{name: "its data was given up", first: "!b", groups: []string{"a.done<!b"}, sight: seen, next: "b", stop: IsParked, by: "b"},
		{name: "last, and before data of another directory", first: "z/b", groups: []string{"d/a.done"}, sight: seen, next: "d/a.done"},
		{name: "last, and behind data of another directory", first: "b", groups: []string{"d/a.done"}, sight: seen, next: "b"},
		{name: "last and given up, before data of another directory", first: "z/b", groups: []string{"!d/a.done"}, sight: seen, next: "d/a.done", stop: IsParked, by: "d/a.done"},
		{name: "last and given up, and new data in its directory", first: "d/b", groups: []string{"!d/a.done<d/b"}, sight: seen, next: "d/b"},
		{name: "last, and its data is settling", first: "z/b", groups: []string{"d/a.done"}, settling: []file.Path{"d/c"}, sight: seen, next: "z/b", stop: IsSettling, by: "d/c"},
		{name: "last, and data behind all is settling", first: "c/b", groups: []string{"a.done"}, settling: []file.Path{"d"}, sight: seen, next: "c/b"},
		{name: "several, and one of them waits", groups: []string{"a/x.done<a/b/y.done", "a/b/y.done"}, sight: seen, next: "a/b/y.done"},
		{name: "all that is there waits for what settles", groups: []string{"a.done"}, settling: []file.Path{"b"}, sight: seen},
	} {
		t.Run(c.name, func(t *testing.T) {
			order := orderOf(t, ByName, true, "*.done")
			s := sceneWith(&order, c.groups, c.settling)
			s.sight = c.sight
			if c.first != "" {
				s.line.First = openFile(c.first)
			}
			if c.committing != "" {
				s.line.Committing = openFile(c.committing)
			}
			in, stop := s.next(func(*state.Group) bool { return false })
			got, kind, by := "", ObstacleKind(""), file.Path("")
			if in != nil {
				got = string(in.Path)
			}
			if stop != nil {
				kind, by = stop.What, stop.Path
			}
			if got != c.next || kind != c.stop || by != c.by {
				t.Errorf("%q, stopped by %q %q; want %q, %q %q", got, kind, by, c.next, c.stop, c.by)
			}
		})
	}
}

func sceneWith(order *Order, groups []string, settling []file.Path) *scene {
	s := &scene{order: order, sight: sight{whole: true}}
	for _, text := range groups {
		first, ahead, waits := strings.Cut(text, "<")
		g := state.Group{Kind: state.Last, First: openFile(first)}
		g.Dir = g.First.Path.Dir()
		if waits {
			g.Ahead = openFile(ahead)
		}
		s.groups = append(s.groups, g)
	}
	for _, p := range settling {
		s.unready = append(s.unready, unready{order.seat(p, file.Fingerprint{}), "being written"})
	}
	return s
}

func TestGroupsWait(t *testing.T) {
	order := orderOf(t, ByName, false, "*.done")
	for _, c := range []struct {
		group    string
		settling []file.Path
		want     string
	}{
		{"x.done", nil, ""},
		{"x.done<a", nil, "a, which has its turn first"},
		{"x.done<?a", nil, "a, which has failed: no"},
		{"x.done<!a", nil, "a, which is parked: no"},
		{"x.done", []file.Path{"a"}, "a, which is settling: being written"},
		{"x.done", []file.Path{"d/e/a"}, "d/e/a, which is settling: being written"},
		{"d/x.done", []file.Path{"a"}, ""},
		{"x.done", []file.Path{"x.done", "y.done"}, ""},
		{"x.done", []file.Path{"d/y.done"}, "d/y.done, which is settling: being written"},
	} {
		s := sceneWith(&order, []string{c.group}, c.settling)
		got := ""
		if o := s.beforeGroup(&s.groups[0]); o != nil {
			got = o.Sentence()
			if o.Rule != RuleLast {
				t.Errorf("%s: by the rule %q", c.group, o.Rule)
			}
		}
		if got != c.want {
			t.Errorf("%s with %v settling waits for %q, want %q", c.group, c.settling, got, c.want)
		}
	}
}
