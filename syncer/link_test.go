package syncer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// asked counts what a link asks its store for in its loops.
type asked struct {
	Store
	n atomic.Int64
}

func (a *asked) Due(ctx context.Context, destination string, now time.Time, limit int, skip map[string]bool) ([]state.Intent, error) {
	a.n.Add(1)
	return a.Store.Due(ctx, destination, now, limit, skip)
}

func (a *asked) NextDue(ctx context.Context, destination string, now time.Time) (time.Time, bool, error) {
	a.n.Add(1)
	return a.Store.NextDue(ctx, destination, now)
}

func (a *asked) DueSweeps(ctx context.Context, destination string, now, latest time.Time, limit int) ([]state.Sweep, error) {
	a.n.Add(1)
	return a.Store.DueSweeps(ctx, destination, now, latest, limit)
}

// patientRig is a rig in a bubble of synctest, with the usual patience and a server in memory.
type patientRig struct {
	*rig
	server *fakeServer
	store  *asked
	mu     sync.Mutex
	dials  []time.Time
}

// inTime runs a test in which time passes as fast as nothing happens.
func inTime(t *testing.T, test func(r *patientRig)) {
	t.Helper()
	t.Parallel()
	if _, err := freshStore(); err != nil { // outside of the bubble, for all
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		r := &patientRig{rig: newRig(t)}
		r.folder.Retry = Retry{Initial: time.Second, Max: 5 * time.Minute, GiveUpAfter: 72 * time.Hour}
		r.options.Now = time.Now
		r.server = r.toFake()
		r.server.dialed = func() error { r.note(); return nil }
		r.store = &asked{Store: r.rig.store}
		r.options.Store = r.store
		test(r)
		if r.stop != nil {
			r.stop()
		}
	})
}

// note counts a dial. One who never lets time pass is stopped, or the test would not end.
func (r *patientRig) note() {
	r.mu.Lock()
	r.dials = append(r.dials, time.Now())
	tooMany := len(r.dials) > 2000
	r.mu.Unlock()
	if tooMany {
		time.Sleep(time.Hour)
	}
}

// pass lets time pass and returns how often the server was dialled and the store asked meanwhile.
func (r *patientRig) pass(d time.Duration) (dials int, asked int64) {
	r.mu.Lock()
	before := len(r.dials)
	r.mu.Unlock()
	n := r.store.n.Load()
	time.Sleep(d) // in the bubble: nothing is waited for
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.dials) - before, r.store.n.Load() - n
}

// begin plans a file and lets the syncer run.
func (r *patientRig) begin() {
	r.drop("a", "content")
	r.start()
	r.scan()
	synctest.Wait()
}

// TestALinkRestsWhileThereIsNothingToDo asks for nothing in a day, whatever the reason why there is nothing.
func TestALinkRestsWhileThereIsNothingToDo(t *testing.T) {
	for _, row := range []struct {
		name  string
		begin func(r *patientRig)
	}{
		{"an empty folder", func(r *patientRig) { r.start(); r.scan() }},
		{"everything is delivered", (*patientRig).begin},
		{"a file is held", func(r *patientRig) {
			r.server.put("in/a", "somebody else's", time.Now())
			r.begin()
			r.await(EventHeld, "a", "acme")
		}},
		{"a file is parked", func(r *patientRig) {
			r.refuse("rename", remote.Unsupported)
			r.begin()
			r.await(EventParked, "a", "acme")
		}},
		{"files of folders that are not of this run", func(r *patientRig) {
			for _, name := range []string{"a", "b", "c"} {
				r.plan(name, "1")
			}
			i := r.plan("d", "1")[0]
			r.commit(&i, proofOf("1", remote.SizeOnly, time.Now()))
			r.folder.Name = "another"
			r.start()
			r.scan()
		}},
		{"the session was lost", func(r *patientRig) {
			r.begin()
			r.await(EventDelivered, "a", "acme")
			r.server.closeAll()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				row.begin(r)
				synctest.Wait()
				r.pass(time.Minute)
				if dials, asked := r.pass(24 * time.Hour); dials != 0 || asked > 3 {
					t.Errorf("in a day %d dials, and the store was asked %d times", dials, asked)
				}
			})
		})
	}
}

func (r *patientRig) refuse(op string, kind remote.Kind) {
	r.server.refuse = func(o, name string, _ func()) error {
		if o == op {
			return problem(op, name, kind, errors.New("refused"))
		}
		return nil
	}
}

// TestALinkNeverHammers counts dials through an hour of every sort of trouble.
func TestALinkNeverHammers(t *testing.T) {
	for _, row := range []struct {
		name        string
		trouble     func(r *patientRig)
		least, most int // dials in an hour
	}{
		{"the destination is unreachable", func(r *patientRig) { r.dialFails(remote.Transient) }, 12, 80},
		{"the password is wrong", func(r *patientRig) { r.dialFails(remote.Auth) }, 2, 2},
		{"the host key is unknown", func(r *patientRig) { r.dialFails(remote.HostKey) }, 58, 62},
		{"the root is missing", func(r *patientRig) { r.refuse("root", remote.Root) }, 58, 62},
		{"the disk is full", func(r *patientRig) { r.refuse("put", remote.DiskFull) }, 4, 8}, // the one file is let alone for longer each time
		{"the session is lost at once", func(r *patientRig) {
			r.server.refuse = func(op, _ string, cut func()) error {
				if op == "use" { // the last before the work begins
					cut()
				}
				return nil
			}
		}, 12, 80},
		{"every upload loses the session", func(r *patientRig) {
			r.server.refuse = func(op, _ string, cut func()) error {
				if op == "put" {
					cut()
				}
				return nil
			}
		}, 12, 80},
		{"every rename loses the session", func(r *patientRig) {
			r.server.refuse = func(op, _ string, cut func()) error {
				if op == "rename" {
					cut()
				}
				return nil
			}
		}, 12, 80},
		{"the file fails of its own", func(r *patientRig) { r.refuse("close", remote.Missing) }, 1, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				row.trouble(r)
				dials, asked := 0, int64(0)
				r.begin()
				dials, asked = r.pass(time.Hour)
				r.mu.Lock()
				all := len(r.dials)
				r.mu.Unlock()
				if all < row.least || all > row.most {
					t.Errorf("%d dials, want %d to %d", all, row.least, row.most)
				}
				if asked > int64(20*dials+400) {
					t.Errorf("the store was asked %d times for %d dials", asked, dials)
				}
				r.server.setRefuse(nil)
				r.server.setDialed(nil)
				r.pass(2 * time.Hour)
				if len(r.receipts()) != 1 {
					t.Errorf("the trouble is over, and nothing was delivered: %s", r.events)
				}
			})
		})
	}
}

func (r *patientRig) dialFails(kind remote.Kind) {
	r.server.dialed = func() error {
		r.note()
		return problem("connect", "", kind, errors.New("no"))
	}
}

// TestBlocksAreProbedSlowly comes back to a wrong password after half an hour, and then hourly: accounts lock.
func TestBlocksAreProbedSlowly(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.dialFails(remote.Auth)
		r.begin()
		r.pass(5 * time.Hour)
		var waits []time.Duration
		for i := range len(r.dials) - 1 {
			waits = append(waits, r.dials[i+1].Sub(r.dials[i]))
		}
		want := []time.Duration{30 * time.Minute, time.Hour, time.Hour, time.Hour, time.Hour}
		if !slices.Equal(waits, want) {
			t.Errorf("waits %v, want %v", waits, want)
		}
	})
}

// TestAFileIsGivenUpAfterItsTime parks what fails of its own for longer than give_up_after, and not earlier.
func TestAFileIsGivenUpAfterItsTime(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.refuse("close", remote.Missing)
		r.folder.Retry.GiveUpAfter = 2 * time.Hour
		r.begin()
		r.pass(110 * time.Minute)
		if i := r.intent("a"); i.Phase != state.Planned || i.Failures < 20 {
			t.Errorf("too early it is %s, after %d failures", i.Phase, i.Failures)
		}
		r.pass(20 * time.Minute)
		if i := r.intent("a"); i.Phase != state.Parked {
			t.Errorf("after two hours it is %s", i.Phase)
		}
	})
}

// TestAnOutageIsNoFailureOfAFile has a file that failed once before its destination was away for hours.
func TestAnOutageIsNoFailureOfAFile(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.refuse("close", remote.Missing)
		r.folder.Retry.GiveUpAfter = 2 * time.Hour
		r.begin()
		if i := r.intent("a"); i.Failures == 0 {
			t.Fatal("it has not failed")
		}
		r.server.setDialed(func() error { return problem("connect", "", remote.Transient, errCut) })
		r.server.closeAll()
		r.pass(5 * time.Hour)
		r.server.setDialed(nil)
		r.pass(time.Hour)
		if i := r.intent("a"); i.Phase != state.Planned || i.Failures < 2 {
			t.Errorf("it is %s after %d failures", i.Phase, i.Failures)
		}
		r.server.setRefuse(nil)
		r.pass(time.Hour)
		if len(r.receipts()) != 1 {
			t.Error("nothing was delivered")
		}
	})
}

// holdUp has whoever looks at the clock held up after it, for ten seconds.
func (r *patientRig) holdUp() {
	clock := time.Now()
	var mu sync.Mutex
	r.options.Now = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(10 * time.Second)
		return clock
	}
}

// TestNothingFallsBetweenTwoQuestions has an intent become due between the question what is due and the question when
// something will be.
func TestNothingFallsBetweenTwoQuestions(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.holdUp()
		r.folder.Retry.Initial, r.folder.Retry.Max = 30*time.Second, 30*time.Second
		const tries = 15
		n := 0
		r.server.refuse = func(op, name string, _ func()) error {
			if op == "close" {
				if n++; n < tries {
					return problem(op, name, remote.Missing, errors.New("no"))
				}
			}
			return nil
		}
		r.begin()
		r.pass(time.Hour)
		if len(r.receipts()) != 1 {
			t.Errorf("it was tried %d times of %d, and then forgotten", n, tries)
		}
	})
}

// TestNoOperationFallsBetweenTwoQuestions has directories that are refused become due while something else is concluded: each is tried
// again in time, though nothing happens any more that would make the link look.
func TestNoOperationFallsBetweenTwoQuestions(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.holdUp()
		var mu sync.Mutex
		r.folder.Retry.Initial, r.folder.Retry.Max = 2*time.Minute, 2*time.Minute
		r.mirrors("")
		const tries = 60
		refused := map[string]int{}
		r.server.refuse = func(op, name string, _ func()) error {
			if op == "mkdir" {
				mu.Lock()
				defer mu.Unlock()
				if refused[name]++; refused[name] < tries {
					return problem(op, name, remote.Missing, errors.New("no"))
				}
			}
			return nil
		}
		for i := range 2 {
			r.must(os.Mkdir(r.source(fmt.Sprintf("d%d", i)), 0o755))
		}
		r.begin()
		r.pass(6 * time.Hour)
		if left, err := r.rig.store.Operations(r.Context(), r.folder.Name, "", 0); err != nil || len(left) > 0 {
			t.Errorf("tried %v of %d times, and then forgotten; %v", refused, tries, err)
		}
	})
}

// TestAPoisonedFileComesLast has a file that loses the connection, with the usual patience: all others arrive soon, and
// none of them is cut off more than once.
func TestAPoisonedFileComesLast(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.server.setRefuse(func(op, name string, cut func()) error {
			if op != "put" {
				return nil
			}
			if strings.Contains(name, "poison") {
				time.Sleep(500 * time.Millisecond)
				cut()
				return nil
			}
			time.Sleep(time.Second)
			return nil
		})
		r.drop("00-poison", "x")
		const n = 40
		for i := range n {
			r.drop(fmt.Sprintf("%02d", i+1), "content")
		}
		r.start()
		r.scan()
		r.pass(20 * time.Second)
		if got := len(r.receipts()); got != n {
			t.Errorf("%d of %d files have arrived", got, n)
		}
		cut := map[file.Path]int{}
		for _, e := range r.events.of(EventFailed) {
			cut[e.Path]++
		}
		for path, times := range cut {
			if times > 1 && path != "00-poison" {
				t.Errorf("%s was cut off %d times", path, times)
			}
		}
		if cut["00-poison"] < 2 {
			t.Errorf("the poisoned file was tried %d times", cut["00-poison"])
		}
	})
}

// TestAPlanWakesALink delivers without any wait what is planned while a link rests.
func TestAPlanWakesALink(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.start()
		for _, name := range []string{"a", "b"} {
			r.pass(time.Hour)
			r.drop(name, name)
			at := time.Now()
			e := watcher.Entry{Path: file.Path(name), Kind: watcher.File, Ready: true, Fingerprint: r.print(name)}
			r.must(r.syncer.Planner("out").Ready(r.Context(), []watcher.Entry{e}))
			if got := r.await(EventDelivered, name, "acme"); got.At != at {
				t.Errorf("%s was delivered after %v", name, got.At.Sub(at))
			}
		}
		if len(r.dials) != 1 {
			t.Errorf("%d dials, want 1: the session stays warm", len(r.dials))
		}
	})
}
