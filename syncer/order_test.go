package syncer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// orderOf returns an order with patterns.
func orderOf(t *testing.T, by By, sequential bool, last ...string) Order {
	t.Helper()
	globs, err := watcher.NewGlobs(last)
	if err != nil {
		t.Fatal(err)
	}
	return Order{By: by, Sequential: sequential, Last: globs}
}

func TestOrderGivesTurns(t *testing.T) {
	print := file.Fingerprint{Size: 7, ModTime: 9}
	for _, c := range []struct {
		name  string
		order Order
		path  file.Path
		want  state.Turn
		free  bool
	}{
		{"the usual order", Order{}, "a", state.Turn{}, true},
		{"by name", orderOf(t, ByName, false), "a", state.Turn{}, true},
		{"by time", orderOf(t, ByTime, false), "a", state.Turn{Kind: state.Placed, Place: 9}, false},
		{"by size", orderOf(t, BySize, false), "a", state.Turn{Kind: state.Placed, Place: 7}, false},
		{"strictly by name", orderOf(t, ByName, true), "a", state.Turn{Kind: state.InLine}, false},
		{"strictly by time", orderOf(t, ByTime, true), "a", state.Turn{Kind: state.InLine, Place: 9}, false},
		{"not last", orderOf(t, ByName, false, "*.done"), "a", state.Turn{Dirs: true}, false},
		{"last", orderOf(t, ByName, false, "*.done"), "d/a.done", state.Turn{Kind: state.Last, Dirs: true}, false},
		{"last by the second pattern", orderOf(t, BySize, true, "*.done", "MANIFEST*"), "MANIFEST", state.Turn{Kind: state.Last + 1, Place: 7, Dirs: true}, false},
		{"last by two patterns", orderOf(t, ByName, false, "*.done", "MANIFEST*"), "MANIFEST.done", state.Turn{Kind: state.Last, Dirs: true}, false},
	} {
		if got := c.order.Turn(c.path, print); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		if c.order.free() != c.free || (c.order.Rules() == "") != c.free {
			t.Errorf("%s: free is %v, rules %q", c.name, c.order.free(), c.order.Rules())
		}
	}
	all := []Order{
		orderOf(t, ByTime, false), orderOf(t, BySize, false), orderOf(t, ByName, true), orderOf(t, ByTime, true),
		orderOf(t, ByName, false, "a", "b"), orderOf(t, ByName, false, "b", "a"), orderOf(t, ByName, false, "a"), orderOf(t, ByName, true, "a"),
	}
	rules := map[string]bool{}
	for _, o := range all {
		rules[o.Rules()] = true
	}
	if len(rules) != len(all) {
		t.Errorf("different orders have the same rules: %v", rules)
	}
}

func TestSeatsInOrder(t *testing.T) {
	prints := map[file.Path]file.Fingerprint{"a": {Size: 3, ModTime: 2}, "b": {Size: 1, ModTime: 2}, "a/b": {Size: 2, ModTime: 1}}
	for by, want := range map[By][]file.Path{ByName: {"a", "a/b", "b"}, ByTime: {"a/b", "a", "b"}, BySize: {"b", "a/b", "a"}} {
		order := orderOf(t, by, true)
		var seats []seat
		for p, f := range prints {
			seats = append(seats, order.seat(p, f))
		}
		slices.SortFunc(seats, func(a, b seat) int {
			if a.before(b) {
				return -1
			}
			return 1
		})
		for i, s := range seats {
			if s.path != want[i] {
				t.Errorf("by %s: %v, want %v", by, seats, want)
				break
			}
		}
	}
}

func TestWaitsFor(t *testing.T) {
	order := orderOf(t, ByName, false, "*.done", "MANIFEST*")
	for _, c := range []struct {
		last, other file.Path
		want        bool
	}{
		{"x.done", "a.csv", true},
		{"x.done", "d/e/a.csv", true},
		{"d/x.done", "d/a.csv", true},
		{"d/x.done", "a.csv", false},
		{"d/x.done", "d2/a.csv", false},
		{"d/x.done", "d", false},
		{"x.done", "x.done", false},
		{"x.done", "y.done", false},
		{"y.done", "x.done", false},
		{"x.done", "d/y.done", true},
		{"d/y.done", "x.done", false},
		{"MANIFEST", "x.done", true},
		{"x.done", "MANIFEST", false},
		{"x.done", "d/MANIFEST", true},
		{"d/MANIFEST", "d/x.done", true},
		{"MANIFEST", "MANIFEST-2", false},
		{"a.csv", "x.done", false},
		{"a.csv", "b.csv", false},
	} {
		last, other := order.seat(c.last, file.Fingerprint{}), order.seat(c.other, file.Fingerprint{})
		if got := last.waitsFor(other); got != c.want {
			t.Errorf("%s waits for %s: %v", c.last, c.other, got)
		}
	}
}

// TestNobodyWaitsInACircle has the waiting of any set of files come to an end.
func TestNobodyWaitsInACircle(t *testing.T) {
	order := orderOf(t, ByName, false, "*.done", "MANIFEST*", "d/e/*")
	dirs := []file.Path{"", "d", "d/e", "d/e/f", "g"}
	names := []string{"a", "b.done", "c.done", "MANIFEST", "MANIFEST.done"}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var open []seat
		for range 1 + random.IntN(20) {
			s := order.seat(dirs[random.IntN(len(dirs))].Join(names[random.IntN(len(names))]), file.Fingerprint{})
			if !slices.Contains(open, s) {
				open = append(open, s)
			}
		}
		for len(open) > 0 {
			left := slices.DeleteFunc(slices.Clone(open), func(s seat) bool { return !slices.ContainsFunc(open, s.waitsFor) })
			if len(left) == len(open) {
				t.Fatalf("all of them wait: %+v", open)
			}
			open = left
		}
	}
}
