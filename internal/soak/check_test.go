package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// made is a version that was completed at second n.
func made(n int, name, content string, size int64, how end) version {
	return version{Name: name, SHA256: content, Size: size, Completed: second(n), End: how}
}

func second(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }

// clean are the facts of a soak with nothing wrong: in the outbox a file that the partner took before it could be read, an
// empty one, a name that was used twice and one that was given up; in the mirror a file with three versions, the second
// of which was replaced before anybody saw it.
func clean() *facts {
	f := &facts{
		Faulted: time.Minute, Quiet: true, Sent: 1100,
		Versions: []version{
			made(1, "in/a", "a1", 500, left),
			made(2, "in/empty", "e", 0, stands),
			made(3, "in/b", "b1", 100, renamed),
			made(4, "in/c", "b1", 100, stands),
			made(5, "copy/m", "m1", 100, replaced),
			made(6, "copy/m", "m2", 100, replaced),
			made(7, "copy/m", "m3", 100, stands),
			made(8, "in/a", "a2", 200, stands),
		},
		Sightings: []sighting{
			{"in/a", "", 0, second(2)},
			{"in/empty", "e", 0, second(3)},
			{"in/c", "b1", 100, second(5)},
			{"copy/m", "m1", 100, second(6)},
			{"copy/m", "m3", 100, second(9)},
			{"in/a", "a2", 200, second(10)},
		},
		Takings: []taking{{"in/a", "a1", 500, second(2)}, {"in/a", "a2", 200, second(11)}},
		Temps:   []temp{{".a.1.part", 500}, {".m.x.part", 80}}, // the second was overtaken
		Receipts: []receipt{
			{ID: "1", Name: "in/a", SHA256: "a1", Size: 500, Evidence: "inferred"},
			{ID: "2", Name: "in/empty", SHA256: "e", Evidence: "remote-hash"},
			{ID: "3", Name: "in/c", SHA256: "b1", Size: 100, Evidence: "remote-hash"},
			{ID: "4", Name: "copy/m", SHA256: "m1", Size: 100, Evidence: "remote-hash"},
			{ID: "5", Name: "copy/m", SHA256: "m2", Size: 100, Evidence: "remote-hash"},
			{ID: "6", Name: "copy/m", SHA256: "m3", Size: 100, Evidence: "remote-hash"},
			{ID: "7", Name: "in/a", SHA256: "a2", Size: 200, Evidence: "remote-hash"},
		},
		Archived: []archived{{"a", "a1"}, {"empty", "e"}, {"c", "b1"}, {"a", "a2"}},
		There:    []entry{{"in/empty", "e"}, {"in/c", "b1"}, {"copy/m", "m3"}},
		Here:     []entry{{"copy/m", "m3"}},
		Exits:    []exit{{byDump, 2, 0}, {byKill, -1, 0}, {byStop, 0, 0}},
		Before:   figures{FDs: 20, Threads: 8, Goroutines: 30, Store: 6},
		After:    figures{FDs: 22, Threads: 10, Goroutines: 31, Store: 40},
	}
	for range 20 {
		f.Faults = append(f.Faults, injected{Kind: cut, Hit: true})
		// Receipts enough that one inferred is rare.
		name, content := fmt.Sprintf("in/%d", len(f.Faults)), fmt.Sprintf("c%d", len(f.Faults))
		f.Versions = append(f.Versions, made(20, name, content, 1, stands))
		f.Sightings = append(f.Sightings, sighting{name, content, 1, second(21)})
		f.Receipts = append(f.Receipts, receipt{Name: name, SHA256: content, Size: 1, Evidence: "remote-hash"})
		f.Archived = append(f.Archived, archived{name, content})
	}
	return f
}

func TestCheckFindsNothingInACleanSoak(t *testing.T) {
	t.Parallel()
	if wrong := check(clean()); len(wrong) > 0 {
		t.Errorf("found: %s", strings.Join(wrong, "\n"))
	}
}

// TestCheckFinds shows of each check that it can fail.
func TestCheckFinds(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		spoil func(f *facts)
		want  []string // the findings, by their beginnings; there are no others
	}{
		{"a file that was never published", func(f *facts) {
			f.Sightings, f.Receipts = append(f.Sightings[:1], f.Sightings[2:]...), append(f.Receipts[:1], f.Receipts[2:]...)
		}, []string{"missing: in/empty"}},
		{"a version that left and was not published", func(f *facts) {
			f.Takings, f.Receipts, f.Sent = f.Takings[1:], f.Receipts[1:], 500
		}, []string{"missing: in/a (a1)"}},
		{"the last version of a mirror's file was not published", func(f *facts) {
			f.Sightings[4].SHA256, f.Receipts = "m2", append(f.Receipts[:5], f.Receipts[6:]...)
		}, []string{"missing: copy/m (m3)"}},
		{"half a file was seen", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"copy/m", "half", 50, second(8)})
		}, []string{"partial: copy/m (half) appeared with 50 bytes", "receipts: none for copy/m (half)"}},
		{"half a file was taken", func(f *facts) {
			f.Takings = append(f.Takings, taking{"in/c", "half", 50, second(8)})
		}, []string{"partial: in/c (half)", "receipts: none for in/c (half)"}},
		{"another file's content was seen", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"copy/m", "a1", 500, second(8)})
		}, []string{"partial: copy/m (a1)", "receipts: none for copy/m (a1)"}},
		{"a file that nobody made", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"in/probe", "p", 5, second(8)})
		}, []string{"extra: in/probe (p)", "receipts: none for in/probe"}},
		{"a file that nobody made or read", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"in/probe", "", 0, second(8)})
		}, []string{"unread: in/probe"}},
		{"seen twice", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"in/c", "b1", 100, second(8)})
		}, []string{"twice: in/c (b1) was published 2 times"}},
		{"taken twice, and too quick to be seen", func(f *facts) {
			f.Takings = append(f.Takings, taking{"in/a", "a1", 500, second(3)})
		}, []string{"twice: in/a (a1) was published 2 times"}},
		{"an earlier version came back", func(f *facts) {
			f.Sightings = append(f.Sightings, sighting{"copy/m", "m2", 100, second(12)})
		}, []string{"back: copy/m (m2)"}},
		{"a publication without a receipt", func(f *facts) {
			f.Receipts = append(f.Receipts[:2], f.Receipts[3:]...)
		}, []string{"receipts: none for in/c (b1)"}},
		{"two receipts for a publication", func(f *facts) {
			f.Receipts = append(f.Receipts, f.Receipts[2])
		}, []string{"receipts: 2 for in/c (b1)"}},
		{"a receipt for what was never published", func(f *facts) {
			f.Receipts = append(f.Receipts, receipt{Name: "in/b", SHA256: "b1", Size: 100})
		}, []string{"receipts: one for in/b (b1)"}},
		{"a receipt for what nobody made", func(f *facts) {
			f.Receipts = append(f.Receipts, receipt{Name: "copy/m", SHA256: "x"})
		}, []string{"receipts: one for copy/m (x)"}},
		{"a receipt with a wrong size", func(f *facts) { f.Receipts[3].Size = 99 }, []string{"receipts: 4 has 99 bytes of 100"}},
		{"an inference about a file that nobody took", func(f *facts) { f.Receipts[2].Evidence = "inferred" }, []string{"inferred: in/c (b1)"}},
		{"inferences instead of looks", func(f *facts) {
			for i := range 3 {
				f.Receipts[10+i].Evidence = "inferred"
				f.Takings = append(f.Takings, taking{f.Receipts[10+i].Name, f.Receipts[10+i].SHA256, 1, second(22)})
			}
		}, []string{"inferred: 4 of 27"}},
		{"an empty temp is left, and nothing froze", func(f *facts) {
			f.There = append(f.There, entry{"copy/.m.0123456789abcdef.part", emptySum})
		}, []string{"server: a temp is left"}},
		{"an empty temp is left of a server that froze", func(f *facts) {
			f.There, f.Faults = append(f.There, entry{"copy/.m.0123456789abcdef.part", emptySum}), append(f.Faults, injected{Kind: frozen, Hit: true})
		}, nil},
		{"a full one is left of a server that froze", func(f *facts) {
			f.There, f.Faults = append(f.There, entry{"copy/.m.0123456789abcdef.part", "m1"}), append(f.Faults, injected{Kind: frozen, Hit: true})
		}, []string{"server: a temp is left"}},
		{"a temp is left at the server", func(f *facts) {
			f.There = append(f.There, entry{"in/.a.0123456789abcdef.part", ""})
		}, []string{"server: a temp is left"}},
		{"a mirror's file is another at the server", func(f *facts) { f.There[2].SHA256 = "m2" }, []string{"server: copy/m"}},
		{"a mirror's file is not at the server", func(f *facts) { f.There = f.There[:2] }, []string{"server: copy/m"}},
		{"a private name is left in the folder", func(f *facts) {
			f.Here = append(f.Here, entry{"in/x/.a.0123456789abcdef.taken", ""})
		}, []string{"folder: a private name is left: in/x/.a"}},
		{"a delivered file is still in the outbox", func(f *facts) {
			f.Here = append(f.Here, entry{"in/c", "b1"})
		}, []string{"folder: it is still in the outbox: in/c"}},
		{"a mirror's source has changed", func(f *facts) { f.Here[0].SHA256, f.There[2].SHA256 = "x", "x" }, []string{"folder: copy/m"}},
		{"a mirror's source is gone", func(f *facts) { f.Here = nil }, []string{"folder: copy/m"}},
		{"a source was lost", func(f *facts) { f.Archived = f.Archived[1:] }, []string{"archive: in/a (a1) is not there"}},
		{"a source was archived twice", func(f *facts) {
			f.Archived = append(f.Archived, archived{"a.1", "a2"})
		}, []string{"archive: a (a2) is there 2 times", "archive: a.1 (a2) is there 2 times"}},
		{"half a source was archived", func(f *facts) {
			f.Archived = append(f.Archived, archived{"a.1", "half"})
		}, []string{"archive: a.1 (half) is no version"}},
		{"a mirror's source was archived", func(f *facts) {
			f.Archived = append(f.Archived, archived{"m", "m3"})
		}, []string{"archive: m (m3) is no version"}},
		{"the agent ended by itself", func(f *facts) { f.Exits[1].Cause = byself }, []string{"exit: the agent ended with -1"}},
		{"the agent ended by itself with 0", func(f *facts) { f.Exits[2].Cause = byself }, []string{"exit: the agent ended with 0"}},
		{"the agent did not end well when asked", func(f *facts) { f.Exits[2].Code = 1 }, []string{"exit: the agent ended with 1"}},
		{"the agent had a panic", func(f *facts) { f.Marks = []string{"panic: boom"} }, []string{"log: panic: boom"}},
		{"open files grow", func(f *facts) { f.After.FDs = 29 }, []string{"growth: 29 open files"}},
		{"threads grow", func(f *facts) { f.After.Threads = 33 }, []string{"growth: 33 threads"}},
		{"goroutines grow", func(f *facts) { f.After.Goroutines = 39 }, []string{"growth: 39 goroutines"}},
		{"the store's files grow", func(f *facts) { f.After.Store = 97 }, []string{"growth: 97 open files of the store"}},
		{"goroutines were not counted", func(f *facts) { f.After.Goroutines = 0 }, []string{"growth: goroutines were not counted"}},
		{"too few faults met anything", func(f *facts) {
			for i := range 11 {
				f.Faults[i].Hit = false
			}
		}, []string{"faults: 9.0 a minute"}},
		{"too much was sent", func(f *facts) { f.Sent = 1900 }, []string{"ratio: 1.9 KiB were sent for 1.1 KiB"}},
		{"the agent never came to rest", func(f *facts) { f.Quiet, f.Left = false, "in/c" }, []string{"the agent did not come to rest after the faults: in/c"}},
		{"more than anybody reads", func(f *facts) { f.Archived = nil }, append(
			[]string{"archive: in/a (a1)", "archive: in/empty", "archive: in/c", "archive: in/a (a2)"},
			"archive: in/1 ", "archive: in/2 ", "archive: in/3 ", "archive: in/4 ", "archive: in/5 ", "archive: in/6 ", "... and 14 more")},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := clean()
			row.spoil(f)
			wrong := check(f)
			for i, w := range wrong {
				if i >= len(row.want) || !strings.HasPrefix(w, row.want[i]) {
					t.Errorf("found %q, want %q", wrong, row.want)
					return
				}
			}
			if len(wrong) != len(row.want) {
				t.Errorf("found %q, want %q", wrong, row.want)
			}
		})
	}
}

// TestNeeded counts each content once, and what was overtaken as far as it came.
func TestNeeded(t *testing.T) {
	t.Parallel()
	f := &facts{
		Sightings: []sighting{
			{"copy/a", "x", 500, noon},
			{"copy/b", "x", 500, noon}, // renamed
			{"copy/a", "y", 70, noon},
			{"copy/c", "", 0, noon},
		},
		Takings:  []taking{{"in/a", "z", 30, noon}, {"copy/a", "y", 70, noon}},
		Receipts: []receipt{{ID: "1", Name: "copy/a", SHA256: "x"}},
		Temps:    []temp{{".a.1.part", 500}, {".b.with.dots.2.part", 7}},
	}
	if n := needed(f, gather(f)); n != 607 {
		t.Errorf("%d bytes, want 500 + 70 + 30 + 7", n)
	}
}

// TestDescribe names the figures that a person looks for.
func TestDescribe(t *testing.T) {
	t.Parallel()
	f := clean()
	f.Seed = 42
	good := describe(f, nil)
	for _, part := range []string{
		"seed 42", "cut         20 / 20", "20.0 a minute", "25 names, 28 versions, 25 of them", "receipts      27, 1 of them inferred",
		"1.1 KiB for 1.1 KiB (80 B of it for versions that changed meanwhile): 1.00 times as much", "nothing missing",
	} {
		if !strings.Contains(good, part) {
			t.Errorf("%q is not in:\n%s", part, good)
		}
	}
	if strings.Contains(good, "NOT TRIED") {
		t.Errorf("all was tried:\n%s", good)
	}
	f.NotTried = "full disk: not as root"
	if got := describe(f, nil); !strings.Contains(got, "NOT TRIED     full disk: not as root") {
		t.Errorf("what was not tried is not told:\n%s", got)
	}
	if bad := describe(f, []string{"twice: a"}); strings.Contains(bad, "nothing missing") || !strings.Contains(bad, "twice: a") {
		t.Errorf("a failed soak is told so:\n%s", bad)
	}
}
