package state

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// owned makes a file known, delivered by us.
func owned(t *testing.T, s *Store, r Route, p file.Path) Known {
	t.Helper()
	deliver(t, s, planOne(t, s, intentFor(r, p)), true)
	return *knownAt(t, s, r, p)
}

// scanned notes what a scan has not found, and ends it.
func scanned(t *testing.T, s *Store, scan string, at time.Time, complete bool, missing ...file.Path) {
	t.Helper()
	var all []Absent
	for _, p := range missing {
		all = append(all, Absent{Path: p})
	}
	if err := s.NoteMissing(t.Context(), route.Folder, scan, all); err != nil {
		t.Fatal(err)
	}
	if err := s.ConfirmMissing(t.Context(), route.Folder, scan, at, complete); err != nil {
		t.Fatal(err)
	}
}

func wantMissing(t *testing.T, s *Store, what string, before time.Time, want Missing) {
	t.Helper()
	got, err := s.CountMissing(t.Context(), route.Folder, []string{"acme", "globex"}, before)
	if err != nil {
		t.Fatal(err)
	}
	same(t, what, want, got)
}

// TestMissingNeedsTwoCompleteScans follows files through scans, complete and not.
func TestMissingNeedsTwoCompleteScans(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"a", "b", "c"} {
		owned(t, s, route, p)
		owned(t, s, second, p)
	}
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	ab := []file.Path{"a", "b"}

	// A scan under way means nothing, nor does one that was not complete.
	if err := s.NoteMissing(t.Context(), route.Folder, "1", []Absent{{Path: "a"}}); err != nil {
		t.Fatal(err)
	}
	wantMissing(t, s, "under way", minute(0), Missing{})
	scanned(t, s, "1", minute(0), false, "a")
	wantMissing(t, s, "incomplete", minute(9), Missing{})

	scanned(t, s, "2", minute(1), true, "a", "b")
	wantMissing(t, s, "at first", minute(0), Missing{Files: 2, Next: minute(1), Examples: ab})
	scanned(t, s, "3", minute(2), true, "a", "b")
	wantMissing(t, s, "again", minute(1), Missing{Files: 2, Ripe: 2, Examples: ab})
	if since, found, err := s.MissingSince(t.Context(), route.Folder, "a", false); !found || err != nil || !since.Equal(minute(1)) {
		t.Errorf("missing since %v, %v, %v", since, found, err)
	}

	// What an incomplete scan did not miss may have been there.
	scanned(t, s, "4", minute(3), false, "a")
	wantMissing(t, s, "after an incomplete one", minute(1), Missing{Files: 1, Ripe: 1, Examples: ab[:1]})
	scanned(t, s, "5", minute(4), true, "a", "b", "c")
	wantMissing(t, s, "complete again", minute(1), Missing{Files: 3, Ripe: 1, Next: minute(4), Examples: []file.Path{"a", "b", "c"}})

	// What has come back has to be missed twice again.
	if n, err := s.SeenAgain(t.Context(), route.Folder, ab[:1]); n != 1 || err != nil {
		t.Error(n, err)
	}
	planOne(t, s, intentFor(route, "b"))
	wantMissing(t, s, "seen again", minute(9), Missing{Files: 1, Ripe: 1, Examples: []file.Path{"c"}})

	// A clock that was put back leaves no time to come.
	scanned(t, s, "6", minute(-60), true, "c")
	wantMissing(t, s, "after the clock was put back", minute(-60), Missing{Files: 1, Ripe: 1, Examples: []file.Path{"c"}})
	scanned(t, s, "7", minute(5), true)
	wantMissing(t, s, "all back", minute(9), Missing{})
}

// TestRipeFilesAreOurs leaves out what is adopted, planned, under way, or about to get another name.
func TestRipeFilesAreOurs(t *testing.T) {
	s := newStore(t)
	for _, p := range []file.Path{"a", "b", "held", "moved", "planned", "there"} {
		owned(t, s, route, p)
	}
	owned(t, s, second, "a")
	adopted := planOne(t, s, intentFor(route, "adopted"))
	if ok, err := s.Adopt(t.Context(), adopted.ID, Known{SHA256: []byte{1}}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	held := intentFor(route, "held")
	held.Phase = Held
	planOne(t, s, held)
	moved := intentFor(route, "new-name")
	moved.MovedFrom = "moved"
	planOne(t, s, moved)
	operation := Operation{ID: "1", Step: StepDelete, Route: route, Path: "planned", RemotePath: "/incoming/planned", PlannedAt: noon}
	if err := s.PlanOperations(t.Context(), []Operation{operation}); err != nil {
		t.Fatal(err)
	}
	scanned(t, s, "1", noon, true, "a", "adopted", "b", "held", "moved", "planned")
	var names []string
	for after := file.Path(""); ; {
		all, err := s.RipeFiles(t.Context(), route.Folder, []string{"acme", "globex"}, noon, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all {
			names = append(names, k.Destination+" "+string(k.Path))
			after = k.Path
		}
		if len(all) < 2 {
			break
		}
	}
	if want := []string{"acme a", "globex a", "acme b"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	if m, err := s.CountMissing(t.Context(), route.Folder, []string{"globex"}, noon); err != nil || m.Files != 1 {
		t.Errorf("at globex: %+v, %v", m, err)
	}
	if m, err := s.CountMissing(t.Context(), route.Folder, nil, noon); err != nil || m.Files != 0 {
		t.Errorf("nowhere: %+v, %v", m, err)
	}
}

// TestDirectoriesOnRecord never forget that one was made.
func TestDirectoriesOnRecord(t *testing.T) {
	s := newStore(t)
	d := Dir{Route: route, Path: "d", RemotePath: "/incoming/d", Dev: 7, Made: true}
	if err := s.SaveDirs(t.Context(), []Dir{d, {Route: route, Path: "d", RemotePath: "/incoming/d"}}); err != nil {
		t.Fatal(err)
	}
	all, err := s.Dirs(t.Context(), route.Folder)
	same(t, "directories", []Dir{d}, all)
	if err != nil {
		t.Error(err)
	}
	// It stays on record until a file of ours speaks for it.
	for _, p := range []file.Path{"d-e", "d0", "d"} {
		owned(t, s, route, p)
	}
	owned(t, s, second, "d/a")
	if err := s.ForgetDirs(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Dirs(t.Context(), route.Folder); len(all) != 1 || err != nil {
		t.Errorf("left: %+v, %v", all, err)
	}
	owned(t, s, route, "d/\xffa")
	if err := s.ForgetDirs(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Dirs(t.Context(), route.Folder); len(all) != 0 || err != nil {
		t.Errorf("left: %+v, %v", all, err)
	}
	// Elsewhere it is another.
	if err := s.SaveDirs(t.Context(), []Dir{d}); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveDirs(t.Context(), []Dir{{Route: route, Path: "d", RemotePath: "/other/d"}}); err != nil {
		t.Fatal(err)
	}
	d.RemotePath, d.Made = "/other/d", false
	all, err = s.Dirs(t.Context(), route.Folder)
	same(t, "directories", []Dir{d}, all)
	if err != nil {
		t.Error(err)
	}
	o := Operation{ID: "1", Step: StepRmdir, Route: route, Path: "d", RemotePath: "/other/d"}
	inTheWay := intentFor(route, "d")
	inTheWay.Final, inTheWay.Phase = "/other/d", Held
	planOne(t, s, inTheWay)
	if err := s.DirGone(t.Context(), &o); err != nil {
		t.Fatal(err)
	}
	if in := stored(t, s, inTheWay.ID); in.Phase != Planned {
		t.Errorf("the file that waited for its name is %s", in.Phase)
	}
	if all, err := s.Dirs(t.Context(), route.Folder); len(all) != 0 || err != nil {
		t.Errorf("left: %+v, %v", all, err)
	}
}

// What is asked with each scan, or by each idle link, must not read whole tables.
func TestQueriesOfMirrorsFollowAnIndex(t *testing.T) {
	s := newStore(t)
	count, _ := ownedMissing("m.path, m.since", []string{"a", "b"})
	for name, q := range map[string]struct {
		sql  string
		args int
	}{
		"missing": {count + " ORDER BY m.path", 3},
		"mkdir":   {dueOperations[0].query, 3},
		"delete":  {dueOperations[1].query, 3},
		"rmdir":   {dueOperations[3].query, 3},
	} {
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
		for _, step := range plan {
			few := slices.ContainsFunc([]string{"pauses", "halts", "stopped", "s"}, func(table string) bool { return step == "SCAN "+table })
			if strings.HasPrefix(step, "SCAN") && !few {
				t.Errorf("%s reads a whole table:\n%s", name, strings.Join(plan, "\n"))
			}
		}
	}
}
