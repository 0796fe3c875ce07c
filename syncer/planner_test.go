package syncer

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// nowhere is a destination that cannot be dialled.
func nowhere(context.Context) (Session, error) {
	return nil, problem("connect", "", "transient", errCut)
}

// TestAPlanNamesEverythingOnce fixes all names of a delivery when it is planned.
func TestAPlanNamesEverythingOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.route("acme", nowhere)
	r.route("globex", nowhere)
	r.folder.Routes[1].RemotePath = func(p file.Path, at time.Time) string { return at.Format("/2006/") + p.Base() }
	print := r.drop("sub/a.xml", "1")
	intents := r.planAs("sub/a.xml", print)
	if len(intents) != 2 {
		t.Fatalf("%d intents, want one a route", len(intents))
	}
	a, b := intents[0], intents[1]
	if a.Version != b.Version || a.ID == b.ID || a.Version == "" {
		t.Errorf("versions %q and %q, ids %q and %q", a.Version, b.Version, a.ID, b.ID)
	}
	year := time.Now().Format("2006")
	for _, i := range []struct{ got, want string }{
		{a.Final, "in/sub/a.xml"},
		{a.Temp, "in/sub/.a.xml." + a.ID + ".part"},
		{b.Final, "/" + year + "/a.xml"},
		{b.Temp, "/" + year + "/.a.xml." + b.ID + ".part"},
		{a.Archive, r.at("sent/sub/a.xml")},
		{a.Reason, string(ReasonNew)},
	} {
		if i.got != i.want {
			t.Errorf("%q, want %q", i.got, i.want)
		}
	}
	if a.Fingerprint != print || a.ReadyAt.IsZero() || a.Phase != state.Planned {
		t.Errorf("planned %+v", a)
	}
	if got := (Publishing{}).temp("plain", a.ID); got != ".plain."+a.ID+".part" {
		t.Errorf("a temp in the login directory is %q", got)
	}
}

// TestAPlanTellsWhenItsFileWasSeen plans a file that settled under the watcher's eyes, and one that had settled before.
func TestAPlanTellsWhenItsFileWasSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	seen := time.Now().Add(-time.Minute)
	settled := seen.Add(2 * time.Second)
	r.must(New(r.options).Planner("out").Ready(t.Context(), []watcher.Entry{
		{Path: "new", Kind: watcher.File, Ready: true, Fingerprint: r.drop("new", "1"), Since: seen, Seen: settled},
		{Path: "old", Kind: watcher.File, Ready: true, Fingerprint: r.drop("old", "1"), Seen: settled},
	}))
	if i := r.intent("new"); !i.SeenAt.Equal(seen) || !i.SettledAt.Equal(settled) || i.ReadyAt.Before(settled) {
		t.Errorf("planned %+v", i)
	}
	if i := r.intent("old"); !i.SeenAt.IsZero() || !i.SettledAt.IsZero() || i.ReadyAt.IsZero() {
		t.Errorf("planned %+v", i)
	}
}

// plansSeen is a store that notes the batches of intents.
type plansSeen struct {
	Store
	batches [][]state.Plan
	fail    error
}

func (s *plansSeen) Plan(ctx context.Context, plans []state.Plan) ([]state.PlanResult, error) {
	s.batches = append(s.batches, slices.Clone(plans))
	if s.fail != nil {
		return nil, s.fail
	}
	return s.Store.Plan(ctx, plans)
}

// TestAllRoutesOfAFileArePlannedAtOnce plans many files in batches, none of which ends between two routes of a file: the
// one that was planned first might be delivered, and the file taken away.
func TestAllRoutesOfAFileArePlannedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	for _, name := range []string{"a", "b", "c"} { // three routes do not divide 256
		r.route(name, nowhere)
	}
	var entries []watcher.Entry
	for i := range 500 {
		entries = append(entries, watcher.Entry{
			Path: file.Path(fmt.Sprintf("%04d", i)), Kind: watcher.File, Ready: true, Fingerprint: file.Fingerprint{Size: int64(i)},
		})
	}
	store := &plansSeen{Store: r.store}
	r.options.Store = store
	r.must(New(r.options).Planner("out").Scan(t.Context(), slices.Values(entries)))
	versions := map[file.Path]string{}
	planned := 0
	for n, batch := range store.batches {
		in := map[file.Path]int{}
		for _, p := range batch {
			planned++
			in[p.Intent.Path]++
			if v := versions[p.Intent.Path]; v != "" && v != p.Intent.Version {
				t.Errorf("%s has the versions %s and %s", p.Intent.Path, v, p.Intent.Version)
			}
			versions[p.Intent.Path] = p.Intent.Version
		}
		for path, routes := range in {
			if routes != 3 {
				t.Errorf("batch %d has %d of 3 routes of %s", n, routes, path)
			}
		}
		if len(batch) > planBatch+3 {
			t.Errorf("batch %d has %d intents", n, len(batch))
		}
	}
	if planned != 1500 || len(store.batches) < 5 {
		t.Errorf("%d intents in %d batches", planned, len(store.batches))
	}
	used := map[string]file.Path{}
	for path, v := range versions {
		if other, taken := used[v]; taken {
			t.Fatalf("%s and %s share a version", path, other)
		}
		used[v] = path
	}
}

// TestARouteThatIsPlannedLaterJoinsTheVersion plans a file on a second route while the first is under way.
func TestARouteThatIsPlannedLaterJoinsTheVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	first := r.plan("a", "1")[0]
	r.route("globex", nowhere)
	intents := r.planAs("a", first.Fingerprint)
	if len(intents) != 2 || intents[0].Version != intents[1].Version || intents[0].ID != first.ID {
		t.Errorf("intents: %+v", intents)
	}
	changed := r.plan("a", "22")
	if len(changed) != 2 || changed[0].Version == first.Version || changed[0].Version != changed[1].Version {
		t.Errorf("a newer version: %+v", changed)
	}
}

// TestWhatStandsInTheWayIsWaitedFor has two files of one final name.
func TestWhatStandsInTheWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	r.folder.Routes[0].RemotePath = func(p file.Path, _ time.Time) string { return "in/" + p.Base() }
	r.drop("1/same", "one")
	r.drop("2/same", "two")
	s := New(r.options)
	p := s.Planner("out")
	for range 3 { // it is counted once, however often it is seen
		r.must(p.Scan(t.Context(), slices.Values(r.entries())))
		if got := p.Deferred(); got != 1 {
			t.Fatalf("%d files wait, want 1", got)
		}
	}
	r.must(os.Rename(r.source("2/same"), r.at("aside")))
	r.must(p.Scan(t.Context(), slices.Values(r.entries())))
	if got := p.Deferred(); got != 0 {
		t.Errorf("%d files wait that are gone", got)
	}
	r.must(os.Rename(r.at("aside"), r.source("2/same")))
	r.must(p.Scan(t.Context(), slices.Values(r.entries())))
	first := r.intent("1/same")
	wantHint := func(why string) {
		t.Helper()
		select {
		case got := <-r.hints:
			if got != "2/same" {
				t.Errorf("%s: hint for %s", why, got)
			}
		default:
			t.Errorf("%s: no hint", why)
		}
		if n := len(r.hints); n != 0 {
			t.Errorf("%s: %d further hints", why, n)
		}
	}

	// A newer version of the first takes its place: the second waits for that one then.
	r.drop("1/same", "newer")
	r.must(p.Ready(t.Context(), r.entries()[1:2]))
	wantHint("superseded")
	r.must(p.Ready(t.Context(), r.entries()[3:4]))
	if newer := r.intent("1/same"); newer.ID == first.ID || p.Deferred() != 1 {
		t.Fatalf("%s, %d files wait", newer.ID, p.Deferred())
	}

	// The first is gone: the way is free, and the same scan takes it.
	r.must(os.Remove(r.source("1/same")))
	r.must(p.Scan(t.Context(), slices.Values(r.entries())))
	if got := p.Deferred(); got != 0 {
		t.Errorf("%d files wait for nothing", got)
	}
	if i := r.intent("2/same"); i.Final != "in/same" {
		t.Errorf("planned %+v", i)
	}
}

// TestAnEndThatWasMissedIsNoticed has the intent in the way end between the refusal and the note of it.
func TestAnEndThatWasMissedIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	p := New(r.options).Planner("out")
	e := watcher.Entry{Path: "a", Kind: watcher.File, Ready: true}
	r.must(p.deferUntil(t.Context(), "gone by now", e))
	if p.Deferred() != 0 || len(r.hints) != 1 {
		t.Errorf("%d files wait, %d hints", p.Deferred(), len(r.hints))
	}
}

// TestADropThatCameTooLateIsNotTold lets the link be faster than a scan.
func TestADropThatCameTooLateIsNotTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.route("acme", nowhere)
	i := r.plan("a", "1")[0]
	stale := i
	r.commit(&i, proofOf("1", "size", time.Now()))
	p := New(r.options).Planner("out")
	r.must(os.Remove(r.source("a")))
	g, err := groundOf(t.Context(), p.store, p.folder)
	r.must(err)
	r.must(p.drop(t.Context(), &g, &Change{Path: "a", Destination: "acme", Open: &stale, Decision: Decision{Op: Drop, Reason: ReasonRemoved}}))
	r.wantNone(EventDropped)
	if got := r.intent("a"); got.Phase != state.Committing {
		t.Errorf("it is %s", got.Phase)
	}
}

// TestNothingIsForgottenWhileTheFileSystemIsAway shows the folder empty, as a mount point does.
func TestNothingIsForgottenWhileTheFileSystemIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.folder.After = Archive
	r.route("acme", nowhere)
	r.plan("planned", "1")
	r.delivered("delivered", "2", "read-back")
	r.delivered("known", "3", "read-back")
	r.must(r.store.CloseVersion(t.Context(), r.record("known").Intents[0].Version, false))
	// The files lay on another device than what shows now.
	away := *r.folder
	shown := r.root
	away.Root = "/proc"
	for _, root := range []string{"/proc", r.at("missing")} {
		away.Root = root
		o := r.options
		o.Folders = []*Folder{&away}
		r.must(New(o).Planner("out").Scan(t.Context(), slices.Values([]watcher.Entry(nil))))
		for _, name := range []string{"planned", "delivered"} {
			if len(r.record(name).Intents) != 1 {
				t.Errorf("with the root %s: %s has no intent any more", root, name)
			}
		}
		if len(r.record("known").Known) != 1 {
			t.Errorf("with the root %s: what was delivered is forgotten, and would be sent again", root)
		}
	}
	r.must(os.RemoveAll(shown))
	r.must(os.Mkdir(shown, 0o755))
	r.must(New(r.options).Planner("out").Scan(t.Context(), slices.Values([]watcher.Entry(nil))))
	for _, name := range []string{"planned", "delivered", "known"} {
		if rec := r.record(name); len(rec.Intents)+len(rec.Known) != 0 {
			t.Errorf("%s is gone for good, and the store has %+v", name, rec)
		}
	}
}

func TestAPlannerReturnsTheStoresError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	r.drop("a", "1")
	r.options.Store = &plansSeen{Store: r.store, fail: errCut}
	err := New(r.options).Planner("out").Scan(t.Context(), slices.Values(r.entries()))
	if err == nil || !strings.Contains(err.Error(), errCut.Error()) {
		t.Errorf("scan: %v", err)
	}
	r.wantNone(EventPlanned)
}

func TestAPlannerKeepsTheWatchersStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	p := New(r.options).Planner("out")
	p.Status(watcher.Status{State: watcher.Watching, Files: 3})
	if got := p.Watching(); got.State != watcher.Watching || got.Files != 3 {
		t.Errorf("%+v", got)
	}
}

func TestTurns(t *testing.T) {
	var all turns
	var mu sync.Mutex
	working := map[string]int{}
	var running sync.WaitGroup
	for i := range 200 {
		version := fmt.Sprint(i % 3)
		running.Go(func() {
			defer all.wait(version)()
			mu.Lock()
			if working[version]++; working[version] != 1 {
				t.Errorf("%d work on %s at once", working[version], version)
			}
			mu.Unlock()
			mu.Lock()
			working[version]--
			mu.Unlock()
		})
	}
	running.Wait()
	if len(all.taken) != 0 {
		t.Errorf("%d turns are left over", len(all.taken))
	}
}
