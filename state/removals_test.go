package state

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// TestDueOperations come step by step, and not on a paused route or of a halted folder.
func TestDueOperations(t *testing.T) {
	s := newStore(t)
	plan := func(step Step, r Route, p file.Path) {
		t.Helper()
		o := Operation{ID: string(step) + " " + string(p), Step: step, Route: r, Path: p, RemotePath: "/incoming/" + string(p), PlannedAt: noon}
		if err := s.PlanOperations(t.Context(), []Operation{o, o}); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []file.Path{"a", "a/b", "c"} {
		plan(StepRmdir, route, p)
	}
	plan(StepExpire, route, "old")
	plan(StepDelete, route, "d")
	plan(StepDelete, route, "e")
	plan(StepMkdir, route, "m")
	plan(StepMkdir, second, "n")
	other := Route{Folder: "reports", Destination: "acme"}
	plan(StepRmdir, other, "r")

	due := func(now time.Time, skip ...string) []string {
		t.Helper()
		not := map[string]bool{}
		for _, id := range skip {
			not[id] = true
		}
		all, err := s.DueOperations(t.Context(), "acme", now, 10, not)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, o := range all {
			ids = append(ids, o.ID)
		}
		return ids
	}
	want := func(what string, got []string, ids ...string) {
		t.Helper()
		if !slices.Equal(got, ids) {
			t.Errorf("%s: due %q, want %q", what, got, ids)
		}
	}
	end := func(ids ...string) {
		t.Helper()
		for _, id := range ids {
			if err := s.DropOperation(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	want("first", due(noon), "mkdir m")
	want("skipped", due(noon, "mkdir m"), "delete d", "delete e")
	end("mkdir m")
	if err := s.FailOperation(t.Context(), "delete d", "no", noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	want("one waits", due(noon), "delete e")
	if at, found, err := s.NextOperation(t.Context(), "acme", noon); !found || err != nil || !at.Equal(noon.Add(time.Minute)) {
		t.Errorf("next at %v, %v, %v", at, found, err)
	}
	end("delete e")
	want("files first", due(noon), "expire old")
	end("expire old")
	want("its route alone waits for them", due(noon), "rmdir r")
	end("rmdir r")
	want("nothing but what waits", due(noon))
	want("by a clock that was put back", due(noon.Add(-3*time.Hour)))
	if _, err := s.BringForward(t.Context(), "acme", noon.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	want("brought forward", due(noon.Add(-time.Hour)), "delete d")
	want("its time", due(noon.Add(time.Minute)), "delete d")
	if _, _, err := s.Pause(t.Context(), Route{Folder: route.Folder}, noon); err != nil {
		t.Fatal(err)
	}
	want("paused", due(noon.Add(time.Minute)))
	if _, err := s.Resume(t.Context(), Route{Folder: route.Folder}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SetHalt(t.Context(), Halt{Folder: route.Folder, Since: noon, Reason: "too-many"}); err != nil {
		t.Fatal(err)
	}
	want("halted", due(noon.Add(time.Minute)))
	if ok, err := s.AcceptDeletes(t.Context(), route.Folder, 3); !ok || err != nil {
		t.Fatal(ok, err)
	}
	end("delete d")
	want("the inner ones first", due(noon), "rmdir c", "rmdir a/b", "rmdir a")
	counts, err := s.OperationCounts(t.Context())
	same(t, "counts", map[Route]int{route: 3, second: 1}, counts)
	if err != nil {
		t.Error(err)
	}
}

// TestRemoved records a removal, and what follows from it.
func TestRemoved(t *testing.T) {
	s := newStore(t)
	k := owned(t, s, route, "a")
	scanned(t, s, "1", noon, true, "a")
	o := Operation{ID: "1", Step: StepDelete, Route: route, Path: "a", RemotePath: k.RemotePath, Trash: "/incoming/.trash/t/a", PlannedAt: noon}
	below := intentFor(route, "a/b")
	below.Final = k.RemotePath + "/b"
	below.Phase = Parked
	planOne(t, s, below)
	beside := intentFor(route, "a-b")
	beside.Phase = Parked
	planOne(t, s, beside)
	if err := s.PlanOperations(t.Context(), []Operation{o}); err != nil {
		t.Fatal(err)
	}
	if ok, err := s.BeginOperation(t.Context(), "1", o.Trash+".1"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	all, err := s.OperationsOf(t.Context(), route.Folder, "a")
	if err != nil || len(all) != 1 || !all[0].Begun || all[0].Trash != o.Trash+".1" || all[0].Upto == 0 {
		t.Fatalf("%+v, %v", all, err)
	}
	for range 2 { // once more changes nothing
		err := s.Removed(t.Context(), &all[0], Removal{Size: 3, SHA256: k.SHA256, Trash: all[0].Trash, At: noon})
		if err != nil {
			t.Fatal(err)
		}
	}
	if knownAt(t, s, route, "a") != nil {
		t.Error("it is still known")
	}
	wantMissing(t, s, "removed", noon, Missing{})
	removals, err := s.Removals(t.Context(), Filter{Folder: route.Folder, Path: "a"})
	if err != nil || len(removals) != 1 || removals[0].RemotePath != k.RemotePath || removals[0].Trash != all[0].Trash || removals[0].Size != 3 {
		t.Errorf("removals %+v, %v", removals, err)
	}
	if in := stored(t, s, below.ID); in.Phase != Planned {
		t.Errorf("what waited for its name is %s", in.Phase)
	}
	if in := stored(t, s, beside.ID); in.Phase != Parked {
		t.Errorf("what waited for something else is %s", in.Phase)
	}
	trashed, err := s.Expired(t.Context(), route.Folder, noon, 10)
	if err != nil || len(trashed) != 1 || trashed[0].RemotePath != all[0].Trash || trashed[0].Size != 3 ||
		!bytes.Equal(trashed[0].SHA256, k.SHA256) {
		t.Fatalf("trash %+v, %v", trashed, err)
	}
	if early, err := s.Expired(t.Context(), route.Folder, noon.Add(-time.Second), 10); len(early) != 0 || err != nil {
		t.Errorf("too early: %+v, %v", early, err)
	}
	expire := Operation{ID: "2", Step: StepExpire, Route: route, Path: "a", RemotePath: trashed[0].RemotePath, PlannedAt: noon}
	if err := s.PlanOperations(t.Context(), []Operation{expire}); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Expired(t.Context(), route.Folder, noon, 10); len(again) != 0 || err != nil {
		t.Errorf("planned already: %+v, %v", again, err)
	}
	if err := s.Removed(t.Context(), &expire, Removal{Size: 3, At: noon}); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.TrashedAt(t.Context(), "acme", expire.RemotePath); found || err != nil {
		t.Error("it is still in the trash", err)
	}
}

// TestWhatWasPublishedSinceStaysKnown although the file before it was taken away.
func TestWhatWasPublishedSinceStaysKnown(t *testing.T) {
	s := newStore(t)
	k := owned(t, s, route, "a")
	o := Operation{ID: "1", Step: StepDelete, Route: route, Path: "a", RemotePath: k.RemotePath, PlannedAt: noon}
	if err := s.PlanOperations(t.Context(), []Operation{o}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.BeginOperation(t.Context(), "1", ""); err != nil {
		t.Fatal(err)
	}
	owned(t, s, route, "a") // begun, so that it stays on record
	all, err := s.OperationsOf(t.Context(), route.Folder, "a")
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	if err := s.Removed(t.Context(), &all[0], Removal{At: noon}); err != nil {
		t.Fatal(err)
	}
	if knownAt(t, s, route, "a") == nil {
		t.Error("what was published since is forgotten")
	}
}

// TestAnIntentEndsARemoval that has not begun.
func TestAnIntentEndsARemoval(t *testing.T) {
	s := newStore(t)
	k := owned(t, s, route, "a")
	o := Operation{ID: "1", Step: StepDelete, Route: route, Path: "a", RemotePath: k.RemotePath, PlannedAt: noon}
	if err := s.PlanOperations(t.Context(), []Operation{o}); err != nil {
		t.Fatal(err)
	}
	planOne(t, s, intentFor(route, "a"))
	if ok, err := s.BeginOperation(t.Context(), "1", ""); ok || err != nil {
		t.Errorf("it may begin: %v, %v", ok, err)
	}
	if used, err := s.NameInUse(t.Context(), route, "a", k.RemotePath); !used || err != nil {
		t.Errorf("the name is free: %v, %v", used, err)
	}
}

// TestLedgerOfRemovalsCannotBeChanged holds for the shell too.
func TestLedgerOfRemovalsCannotBeChanged(t *testing.T) {
	s := newStore(t)
	o := Operation{ID: "1", Step: StepDelete, Route: route, Path: "a", RemotePath: "/incoming/a"}
	if err := s.Removed(t.Context(), &o, Removal{At: noon}); err != nil {
		t.Fatal(err)
	}
	if err := s.Removed(t.Context(), &o, Removal{At: noon, Trash: "elsewhere"}); err != nil { // on record already
		t.Fatal(err)
	}
	const columns = ", folder, destination, path, remote_path, size, sha256, 'x', at FROM removals"
	for _, change := range []string{
		"DELETE FROM removals", "UPDATE removals SET trash = 'x'", "INSERT OR REPLACE INTO removals SELECT seq, 'another'" + columns,
		"REPLACE INTO removals SELECT seq + 1, id" + columns,
	} {
		err := s.write(t.Context(), "change", func(c *conn) error { _, err := c.exec(change); return err })
		if err == nil || !strings.Contains(err.Error(), "is never") {
			t.Errorf("%s: %v", change, err)
		}
	}
	if all, err := s.Removals(t.Context(), Filter{}); err != nil || len(all) != 1 || all[0].Trash != "" {
		t.Errorf("%+v, %v", all, err)
	}
	// A renaming of the configuration leaves it alone, and takes the rest along.
	if _, err := s.SetHalt(t.Context(), Halt{Folder: route.Folder, Since: noon, Reason: "emptied"}); err != nil {
		t.Fatal(err)
	}
	n := Configured{Renamings: []Renaming{{Kind: FolderName, Was: route.Folder, Name: "bills"}}}
	if err := s.Configure(t.Context(), n, noon); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.HaltOf(t.Context(), "bills"); !found || err != nil {
		t.Errorf("the halt was left behind: %v, %v", found, err)
	}
}

// TestHalts are told anew without being new, and end.
func TestHalts(t *testing.T) {
	s := newStore(t)
	h := Halt{Folder: "out", Since: noon, Reason: "emptied", Detail: "why", Count: 2, Examples: []file.Path{"a", "b\n c"}, Began: 5, Allowed: 1, MaxDelete: 50}
	if fresh, err := s.SetHalt(t.Context(), h); !fresh || err != nil {
		t.Error(fresh, err)
	}
	again := h
	again.Since, again.Count = noon.Add(time.Hour), 3
	if fresh, err := s.SetHalt(t.Context(), again); fresh || err != nil {
		t.Error(fresh, err)
	}
	again.Since = noon
	got, found, err := s.HaltOf(t.Context(), "out")
	same(t, "halt", again, got)
	if !found || err != nil {
		t.Error(found, err)
	}
	if paused, err := s.Paused(t.Context(), Route{Folder: "out", Destination: "acme"}); !paused || err != nil {
		t.Errorf("a halted folder is not stopped: %v, %v", paused, err)
	}
	if ok, err := s.AcceptDeletes(t.Context(), "out", 0); !ok || err != nil {
		t.Error(ok, err)
	}
	if got, _, _ := s.HaltOf(t.Context(), "out"); got.Accepted == nil || *got.Accepted != 0 {
		t.Errorf("accepted: %+v", got)
	}
	if paused, err := s.Paused(t.Context(), Route{Folder: "out", Destination: "acme"}); paused || err != nil {
		t.Errorf("it is still stopped: %v, %v", paused, err)
	}
	if fresh, err := s.SetHalt(t.Context(), h); !fresh || err != nil { // the scan has halted it again
		t.Error(fresh, err)
	}
	if err := s.EndHalting(t.Context(), "out"); err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.HaltOf(t.Context(), "out"); found || err != nil {
		t.Error("it is still halted", err)
	}
	if ok, err := s.AcceptDeletes(t.Context(), "out", 1); ok || err != nil {
		t.Error(ok, err)
	}
}

// Removals come in pages, of those that match.
func TestRemovalsInPages(t *testing.T) {
	s := newStore(t)
	for n := range 7 {
		k := Known{Route: route, Path: file.Path(fmt.Sprintf("%d.%s", n, []string{"csv", "xml"}[n%2])), RemotePath: fmt.Sprint("/", n)}
		o := Operation{ID: fmt.Sprint("r", n), Step: StepDelete, Route: route, Path: k.Path, RemotePath: k.RemotePath, PlannedAt: noon}
		if err := errors.Join(s.PlanOperations(t.Context(), []Operation{o}), s.Removed(t.Context(), &o, Removal{At: noon})); err != nil {
			t.Fatal(err)
		}
	}
	csv := func(p file.Path) bool { return strings.HasSuffix(string(p), "csv") }
	for _, c := range []struct {
		f    Filter
		want string
	}{
		{Filter{}, "r6 r5 r4 r3 r2 r1 r0"},
		{Filter{Limit: 2}, "r6 r5"},
		{Filter{Limit: 2, Before: "r5"}, "r4 r3"},
		{Filter{Before: "r0"}, ""},
		{Filter{Match: csv}, "r6 r4 r2 r0"},
		{Filter{Match: csv, Limit: 2}, "r6 r4"},
		{Filter{Match: csv, Limit: 2, Before: "r4"}, "r2 r0"},
	} {
		all, err := s.Removals(t.Context(), c.f)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		if got := strings.Join(ids, " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.f, got, c.want)
		}
	}
	if _, err := s.Removals(t.Context(), Filter{Before: "no such"}); !errors.Is(err, ErrNotOnRecord) {
		t.Error(err)
	}
}
