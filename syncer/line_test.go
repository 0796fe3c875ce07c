package syncer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// lineRig is a patientRig whose folder has an order, a survey of what lies there, and files that a test lets settle.
type lineRig struct {
	*patientRig
	mu       sync.Mutex
	settling map[file.Path]file.Fingerprint
	surveys  int
}

func inLine(t *testing.T, order Order, test func(r *lineRig)) {
	t.Helper()
	inTime(t, func(p *patientRig) {
		r := &lineRig{patientRig: p, settling: map[file.Path]file.Fingerprint{}}
		r.folder.Order = order
		r.folder.Unsettled = func(yield func(watcher.Entry) bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			for p, f := range r.settling {
				if !yield(watcher.Entry{Path: p, Kind: watcher.File, Fingerprint: f, Reason: "being written"}) {
					return
				}
			}
		}
		r.folder.Survey = func(_ context.Context, below file.Path, yield func(watcher.Entry) bool) error {
			r.mu.Lock()
			r.surveys++
			r.mu.Unlock()
			for _, e := range r.entries() {
				if e.Kind == watcher.File && e.Path.Under(below) && !yield(e) {
					break
				}
			}
			return nil
		}
		test(r)
	})
}

// settle says that a file is settling, or has settled; where it is gone nobody is told.
func (r *lineRig) settle(name string, on bool) {
	r.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.settling[file.Path(name)] = r.print(name)
	} else {
		delete(r.settling, file.Path(name))
	}
}

// ready plans a file as its watcher would once it has settled.
func (r *lineRig) ready(names ...string) {
	r.Helper()
	var all []watcher.Entry
	for _, name := range names {
		all = append(all, watcher.Entry{Path: file.Path(name), Kind: watcher.File, Ready: true, Fingerprint: r.print(name), Seen: time.Now()})
	}
	r.must(r.syncer.Planner(r.folder.Name).Ready(r.Context(), all))
}

// arrived returns what has arrived so far, in order.
func (r *lineRig) arrived() string {
	r.Helper()
	var names []string
	for _, d := range r.receipts() {
		names = append(names, string(d.Path))
	}
	return strings.Join(names, " ")
}

func (r *lineRig) want(what, names string) {
	r.Helper()
	if got := r.arrived(); got != names {
		r.Errorf("%s: %q have arrived, want %q", what, got, names)
	}
}

// refuseName fails the uploads of a file.
func (r *lineRig) refuseName(base string, kind remote.Kind) {
	r.server.setRefuse(func(op, name string, _ func()) error {
		if op == "put" && strings.Contains(name, "/."+base+".") {
			return problem(op, name, kind, errors.New("no"))
		}
		return nil
	})
}

// told returns what was told of waiting.
func (r *lineRig) told() []string {
	var all []string
	for _, e := range r.events.of(EventWaits) {
		all = append(all, string(e.Path)+": "+e.Reason)
	}
	return all
}

func TestTheOldestGoFirst(t *testing.T) {
	for by, want := range map[By]string{ByTime: "c a b", BySize: "b c a", ByName: "a b c"} {
		t.Run(string(by), func(t *testing.T) {
			inLine(t, orderOf(t, by, false), func(r *lineRig) {
				r.options.MaxTransfers = 1
				now := time.Now()
				for name, f := range map[string]struct {
					size int
					age  time.Duration
				}{"a": {3, 2 * time.Hour}, "b": {1, time.Hour}, "c": {2, 3 * time.Hour}} {
					r.drop(name, strings.Repeat("x", f.size))
					r.must(os.Chtimes(r.source(name), now, now.Add(-f.age)))
				}
				for _, name := range []string{"c", "b", "a"} { // planned backwards
					r.planAs(name, r.print(name))
				}
				r.start()
				r.scan()
				r.pass(time.Minute)
				r.want("in order", want)
			})
		})
	}
}

// TestLastWaitsForEverything has files that go last wait for files in every condition.
func TestLastWaitsForEverything(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done", "MANIFEST*"), func(r *lineRig) {
		r.refuseName("bad", remote.Missing)
		for _, name := range []string{"MANIFEST", "d/0.done", "d/bad", "d/e/a", "d/slow", "f/1.done", "f/b"} {
			r.drop(name, name)
		}
		r.settle("d/slow", true)
		r.start()
		r.ready("MANIFEST", "d/0.done", "f/1.done")
		r.pass(time.Minute)
		r.want("before the first scan", "")
		r.settle("d/slow", false) // the scan finds it ready
		r.scan()
		r.pass(time.Minute)
		if got := r.arrived(); got != "d/e/a d/slow f/b f/1.done" && got != "d/e/a f/b d/slow f/1.done" {
			sorted := strings.Fields(got)
			if slices.Sort(sorted); strings.Join(sorted, " ") != "d/e/a d/slow f/1.done f/b" {
				t.Fatalf("%q have arrived", got)
			}
		}
		if told := r.told(); !slices.ContainsFunc(told, func(s string) bool {
			return strings.HasPrefix(s, "d/0.done: it goes last, and waits for d/bad, which has failed: ")
		}) {
			t.Errorf("told %q", told)
		}
		r.drop("d/late", "late")
		r.settle("d/late", true)
		r.server.setRefuse(nil)
		r.pass(10 * time.Minute)
		if got := r.arrived(); !strings.HasSuffix(got, "d/bad") {
			t.Errorf("while one is settling: %q have arrived", got)
		}
		r.settle("d/late", false)
		r.ready("d/late")
		r.pass(time.Minute)
		if got := r.arrived(); !strings.HasSuffix(got, "d/bad d/late d/0.done MANIFEST") {
			t.Errorf("in the end: %q have arrived", got)
		}
	})
}

// TestASettlingFileThatGoesStopsNobody has the file vanish that a trigger waits for: nobody tells of that.
func TestASettlingFileThatGoesStopsNobody(t *testing.T) {
	for _, sequential := range []bool{false, true} {
		t.Run(fmt.Sprint(sequential), func(t *testing.T) {
			inLine(t, orderOf(t, ByName, sequential, "*.done"), func(r *lineRig) {
				r.drop("a", "a")
				r.drop("x.done", "")
				r.settle("a", true)
				r.start()
				r.must(r.syncer.Planner("out").Scan(r.Context(), slices.Values(r.entries()[1:])))
				r.pass(time.Minute)
				r.want("while it settles", "")
				r.must(os.Remove(r.source("a")))
				r.settle("a", false)
				r.pass(2 * waitLook)
				r.want("now that it is gone", "x.done")
			})
		})
	}
}

// TestAFileThatNobodyToldOf has a trigger wait for a file that lies there, although no hint has come of it.
func TestAFileThatNobodyToldOf(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		r.start()
		r.scan()
		r.drop("x.done", "")
		r.drop("sub/lost", "1")
		r.folder.Hint = func(p file.Path) {
			if p == "sub/lost" {
				go func() { // the watcher takes its time
					time.Sleep(20 * time.Second)
					r.hints <- p
				}()
			}
		}
		r.ready("x.done")
		r.pass(10 * time.Second)
		r.want("before it is planned", "")
		r.mu.Lock()
		if r.surveys > 30 {
			t.Errorf("%d looks in 10 s", r.surveys)
		}
		r.mu.Unlock()
		r.pass(time.Minute)
		r.want("the hint has come", "sub/lost x.done")
	})
}

// TestManyTriggersShareALook has one look at a directory serve all that wait for it.
func TestManyTriggersShareALook(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		const n = 200
		for i := range n {
			r.drop(fmt.Sprintf("%03d", i), "x")
			r.drop(fmt.Sprintf("%03d.done", i), "")
		}
		r.start()
		r.scan()
		r.pass(time.Minute)
		all := strings.Fields(r.arrived())
		if len(all) != 2*n {
			t.Fatalf("%d of %d have arrived", len(all), 2*n)
		}
		for i, name := range all {
			if strings.HasSuffix(name, ".done") != (i >= n) {
				t.Fatalf("%s came as number %d", name, i)
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.surveys > 5 {
			t.Errorf("%d looks for %d triggers", r.surveys, n)
		}
	})
}

// TestManyBatches has more triggers in directories of their own than are fetched at once, and again as many behind files
// that do not go: each is sent once.
func TestManyBatches(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		const n, free = queueAhead + 24, 20
		r.refuseName("bad", remote.Unsupported)
		for i := range n {
			r.drop(fmt.Sprintf("%03d/x.done", i), "")
			if i%(n/free) != 0 {
				r.drop(fmt.Sprintf("%03d/bad", i), "x")
			}
		}
		r.start()
		r.scan()
		r.pass(2 * time.Minute)
		all := strings.Fields(r.arrived())
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(all) != free || len(once) != free {
			t.Errorf("%d have arrived, of %d files; want %d", len(all), len(once), free)
		}
		if told := r.told(); len(told) != n-free {
			t.Errorf("%d times it was told that a trigger waits, want %d", len(told), n-free)
		}
		r.server.setRefuse(nil)
		_, err := r.rig.store.Retry(r.Context(), state.Selection{Folder: "out"}, false)
		r.must(err)
		r.syncer.Wake("acme")
		r.pass(2 * time.Minute)
		if got := len(r.receipts()); got != 2*n-free {
			t.Errorf("%d have arrived in the end, want %d", got, 2*n-free)
		}
	})
}

// TestStrictOrderStopsAtAFailure goes on where a person says so, and nowhere else.
func TestStrictOrderStopsAtAFailure(t *testing.T) {
	for what, free := range map[string]func(r *lineRig, in state.Intent){
		"retry": func(r *lineRig, in state.Intent) {
			r.server.setRefuse(nil)
			_, err := r.rig.store.Retry(r.Context(), state.Selection{ID: in.ID}, false)
			r.must(err)
			r.syncer.Wake("acme")
		},
		"cancel": func(r *lineRig, in state.Intent) {
			all, err := r.rig.store.Cancel(r.Context(), state.Selection{ID: in.ID})
			r.must(err)
			r.syncer.Cancelled(r.Context(), all)
		},
		"removed": func(r *lineRig, in state.Intent) {
			r.must(os.Remove(r.source("2")))
			r.scan()
		},
		"changed": func(r *lineRig, in state.Intent) {
			r.server.setRefuse(nil)
			r.drop("2", "another version")
			r.ready("2")
		},
	} {
		t.Run(what, func(t *testing.T) {
			inLine(t, orderOf(t, ByName, true), func(r *lineRig) {
				r.refuseName("2", remote.Unsupported)
				for _, name := range []string{"1", "2", "3", "4"} {
					r.drop(name, name)
				}
				r.start()
				r.scan()
				r.pass(time.Hour)
				r.want("stopped", "1")
				if told := r.told(); len(told) != 1 || !strings.HasPrefix(told[0], "2: strict order: what is behind 2, which is parked: ") {
					t.Errorf("told %q", told)
				}
				r.drop("0", "0")
				r.ready("0")
				r.pass(time.Hour)
				r.want("one that comes before it", "1 0")
				free(r, r.intent("2"))
				r.pass(time.Hour)
				want := "1 0 2 3 4"
				if what == "cancel" || what == "removed" {
					want = "1 0 3 4"
				}
				r.want("freed", want)
			})
		})
	}
}

// TestStrictOrderSendsOneAtATime has a first one that fails for a while and then arrives: nobody overtakes it.
func TestStrictOrderSendsOneAtATime(t *testing.T) {
	inLine(t, orderOf(t, ByName, true), func(r *lineRig) {
		var mu sync.Mutex
		open, most, tries := 0, 0, 0
		r.server.setRefuse(func(op, name string, cut func()) error {
			if op != "put" {
				return nil
			}
			mu.Lock()
			open++
			most = max(most, open)
			if strings.Contains(name, "/.02.") {
				tries++
			}
			fail, lose := strings.Contains(name, "/.02.") && tries < 4, strings.Contains(name, "/.05.") && tries < 6
			if lose {
				tries++
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			open--
			mu.Unlock()
			if lose {
				cut()
			}
			if fail {
				return problem(op, name, remote.Missing, errors.New("no"))
			}
			return nil
		})
		var want []string
		for i := range 20 {
			name := fmt.Sprintf("%02d", i)
			r.drop(name, name)
			want = append(want, name)
		}
		r.start()
		r.scan()
		r.pass(time.Hour)
		r.want("all", strings.Join(want, " "))
		if most != 1 {
			t.Errorf("%d were under way at once", most)
		}
	})
}

// TestEachDestinationHasItsOwnLine stops one destination, and not the other.
func TestEachDestinationHasItsOwnLine(t *testing.T) {
	inLine(t, orderOf(t, ByName, true, "*.done"), func(r *lineRig) {
		other := newFakeServer()
		r.route("globex", other.dial)
		r.must(r.rig.store.SaveCapabilities(r.Context(), "globex", other.identity, fmt.Appendf(nil, `{"version":%d,"posix_rename":true,"set_times":true,"rename_refuses":true}`, remote.ProbeVersion)))
		r.refuseName("2", remote.Unsupported)
		for _, name := range []string{"1", "2", "3", "x.done"} {
			r.drop(name, name)
		}
		r.start()
		r.scan()
		r.pass(time.Hour)
		var got []string
		for _, d := range r.receipts() {
			got = append(got, d.Destination+":"+string(d.Path))
		}
		slices.Sort(got)
		if want := []string{"acme:1", "globex:1", "globex:2", "globex:3", "globex:x.done"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestStrictOrderWithTriggers has strict order and triggers that sort before what they wait for.
func TestStrictOrderWithTriggers(t *testing.T) {
	inLine(t, orderOf(t, ByName, true, "*.done", "MANIFEST"), func(r *lineRig) {
		for _, name := range []string{"0.done", "MANIFEST", "a/0.done", "a/1", "a/b/0.done", "a/b/2", "c/0.done", "c/3", "z"} {
			r.drop(name, name)
		}
		r.start()
		r.scan()
		r.pass(time.Hour)
		r.want("all", "a/1 a/b/2 a/b/0.done a/0.done c/3 c/0.done z 0.done MANIFEST")
	})
}

// TestTwoForOneName has a trigger, and a file that wants its name at the destination and so cannot be planned before it.
func TestTwoForOneName(t *testing.T) {
	for _, once := range []bool{false, true} {
		t.Run(fmt.Sprint(once), func(t *testing.T) {
			inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
				r.folder.Routes[0].RemotePath = func(p file.Path, _ time.Time) string {
					return "in/" + strings.TrimSuffix(p.Base(), ".done")
				}
				r.drop("a.done", "")
				r.drop("b/a", "data")
				r.drop("c", "data")
				if once {
					r.once()
				} else {
					r.start()
					r.scan()
					r.pass(time.Minute)
				}
				if got := r.arrived(); !strings.HasPrefix(got, "c a.done") {
					t.Errorf("%q have arrived", got)
				}
			})
		})
	}
}

// TestCancelledTriggerAndData leaves nobody waiting.
func TestCancelledTriggerAndData(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		r.refuseName("bad", remote.Unsupported)
		for _, name := range []string{"d/bad", "d/x.done", "MANIFEST", "y.done"} {
			r.drop(name, name)
		}
		r.start()
		r.scan()
		r.pass(time.Minute)
		r.want("first", "MANIFEST")
		all, err := r.rig.store.Cancel(r.Context(), state.Selection{ID: r.intent("d/x.done").ID})
		r.must(err)
		r.syncer.Cancelled(r.Context(), all)
		r.pass(time.Minute)
		r.want("a trigger is cancelled, its data still stops the one above", "MANIFEST")
		all, err = r.rig.store.Cancel(r.Context(), state.Selection{ID: r.intent("d/bad").ID})
		r.must(err)
		r.syncer.Cancelled(r.Context(), all)
		r.pass(time.Minute)
		r.want("the data too", "MANIFEST y.done")
	})
}

// TestPausedLine has nothing go on a paused route, and go on in order.
func TestPausedLine(t *testing.T) {
	inLine(t, orderOf(t, ByName, true, "*.done"), func(r *lineRig) {
		_, _, err := r.rig.store.Pause(r.Context(), state.Route{Folder: "out"}, time.Now())
		r.must(err)
		for _, name := range []string{"1", "2", "0.done"} {
			r.drop(name, name)
		}
		r.start()
		r.scan()
		r.pass(time.Hour)
		r.want("paused", "")
		_, err = r.rig.store.Resume(r.Context(), state.Route{Folder: "out"})
		r.must(err)
		r.syncer.Wake("acme")
		r.pass(time.Minute)
		r.want("resumed", "1 2 0.done")
	})
}

// TestOnceInOrder ends with what could not go, and has told why.
func TestOnceInOrder(t *testing.T) {
	for _, c := range []struct {
		name       string
		sequential bool
		settling   string
		refused    string
		want       string
		told       string
	}{
		{"all is well", false, "", "", "1 2 x.done", ""},
		{"strictly", true, "", "", "1 2 x.done", ""},
		{"one does not settle", false, "2", "", "1", "x.done: it goes last, and waits for 2, which is settling: being written"},
		{"strictly, and one does not settle", true, "1", "", "", "2: strict order: it waits for 1, which is settling: being written"},
		{"one fails", false, "", "2", "1", "x.done: it goes last, and waits for 2, which is parked: "},
		{"strictly, and one fails", true, "", "1", "", "1: strict order: what is behind 1, which is parked: "},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLine(t, orderOf(t, ByName, c.sequential, "*.done"), func(r *lineRig) {
				if c.refused != "" {
					r.refuseName(c.refused, remote.Unsupported)
				}
				for _, name := range []string{"1", "2", "x.done"} {
					r.drop(name, name)
				}
				entries := r.entries()
				if c.settling != "" {
					r.settle(c.settling, true)
					for i := range entries {
						entries[i].Ready = string(entries[i].Path) != c.settling
					}
				}
				r.syncer = New(r.options)
				planned := make(chan struct{})
				go func() {
					defer close(planned)
					time.Sleep(time.Second)
					if err := r.syncer.Planner("out").Scan(r.Context(), slices.Values(entries)); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Minute)
				}()
				r.must(r.syncer.Once(r.Context(), planned))
				got := strings.Fields(r.arrived())
				if n := len(got); !c.sequential && n == 3 && got[2] == "x.done" {
					slices.Sort(got) // the others are sent beside each other
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%q have arrived, want %q", got, c.want)
				}
				told := strings.Join(r.told(), "\n")
				if !strings.Contains(told, c.told) || (c.told == "") != (told == "") {
					t.Errorf("told %q, want %q", told, c.told)
				}
			})
		})
	}
}

// TestALineRests asks for little while what waits can only be freed by a person.
func TestALineRests(t *testing.T) {
	inLine(t, orderOf(t, ByName, true, "*.done"), func(r *lineRig) {
		r.refuseName("1", remote.Unsupported)
		for _, name := range []string{"1", "2", "x.done"} {
			r.drop(name, name)
		}
		r.start()
		r.scan()
		r.pass(time.Minute)
		if dials, asked := r.pass(time.Hour); dials > 0 || asked > 4*int64(time.Hour/waitLookRare) {
			t.Errorf("%d dials, asked %d times in an hour", dials, asked)
		}
	})
}

// TestAKilledLine goes on in order with what an earlier run has left, whatever has come meanwhile.
func TestAKilledLine(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		r.plan("x.done", "")
		r.drop("a", "came while nothing ran")
		r.start()
		r.pass(time.Minute)
		r.want("before the first scan", "")
		r.scan()
		r.pass(time.Minute)
		r.want("after it", "a x.done")
	})
}

// TestMovesOfTriggers never has a trigger take the name of a file that it would have to wait for.
func TestMovesOfTriggers(t *testing.T) {
	inLine(t, orderOf(t, ByName, false, "*.done"), func(r *lineRig) {
		r.folder.Mirror, r.folder.Deletes, r.folder.DeleteDelay, r.folder.MaxDelete = true, true, time.Minute, 50
		r.drop("a", "content")
		r.start()
		r.scan()
		r.pass(time.Minute)
		r.must(os.Rename(r.source("a"), r.source("x.done")))
		r.drop("a", "another")
		r.scan()
		r.pass(time.Minute)
		synctest.Wait()
		r.want("both", "a a x.done")
	})
}
