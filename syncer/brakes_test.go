package syncer

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// again stops the syncer and starts another one, as a restart does.
func (r *patientRig) again() {
	r.Helper()
	r.stop()
	r.start()
	synctest.Wait()
}

// gaps returns the times between dials.
func (r *patientRig) gaps() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	var gaps []time.Duration
	for i := 1; i < len(r.dials); i++ {
		gaps = append(gaps, r.dials[i].Sub(r.dials[i-1]))
	}
	return gaps
}

func (r *patientRig) link() LinkStatus {
	r.Helper()
	return r.syncer.Status()[0]
}

func (r *patientRig) wait() (state.Wait, bool) {
	r.Helper()
	w, found, err := r.store.WaitOf(r.Context(), "acme")
	r.must(err)
	return w, found
}

// TestBreaker opens after five connects in a row that failed, and lets one through in a minute, however impatient the
// folder is.
func TestBreaker(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.folder.Retry = Retry{Initial: time.Millisecond, Max: 10 * time.Millisecond, GiveUpAfter: time.Hour}
		r.dialFails(remote.Transient)
		r.begin()
		r.pass(time.Second)
		if len(r.dials) != breakerOpens {
			t.Errorf("%d dials, want %d", len(r.dials), breakerOpens)
		}
		l := r.link()
		if l.State != LinkWaiting || !strings.Contains(l.Reason, "5 attempts to connect in a row have failed") ||
			time.Until(l.NextAttempt) < 58*time.Second {
			t.Errorf("the link is %+v", l)
		}
		r.pass(10 * time.Minute)
		for _, gap := range r.gaps()[breakerOpens-1:] {
			if gap != breakerRest {
				t.Errorf("probes: %v", r.gaps())
			}
		}
		r.server.setDialed(func() error { r.note(); return nil }) // the server is back
		r.pass(2 * time.Minute)
		r.await(EventDelivered, "a", "acme")
		if w, found := r.wait(); found {
			t.Errorf("after a delivery: %+v", w)
		}
	})
}

// TestShutOutBeforeTheLogin comes back no sooner than in 20 seconds to a server that shuts us out.
func TestShutOutBeforeTheLogin(t *testing.T) {
	shutOut := droppedError(t)
	inTime(t, func(r *patientRig) {
		r.server.dialed = func() error { r.note(); return shutOut }
		r.begin()
		r.pass(3 * time.Minute)
		if gaps := r.gaps(); len(gaps) < 4 || slices.Min(gaps) < droppedRest {
			t.Errorf("waits: %v", gaps)
		}
	})
}

// TestOnceAndTheBreaker tries three times in a run, once where the breaker was open before, and never twice where the
// server shuts us out.
func TestOnceAndTheBreaker(t *testing.T) {
	shutOut := droppedError(t)
	down := problem("connect", "", remote.Transient, errors.New("down"))
	type run struct {
		after time.Duration // since the run before
		err   error
		dials int
		takes time.Duration // before the first dial
	}
	for _, row := range []struct {
		name string
		runs []run
	}{
		{"down", []run{{0, down, 3, 0}, {time.Second, down, 2, 0}, {time.Second, down, 1, 0}, {time.Hour, down, 1, 0}, {0, nil, 1, 0}}},
		{"shut out", []run{{0, shutOut, 1, 0}, {5 * time.Second, shutOut, 1, 15 * time.Second}, {time.Hour, nil, 1, 0}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				r.drop("a", "content")
				for i, run := range row.runs {
					r.pass(run.after)
					r.server.setDialed(func() error { r.note(); return run.err })
					r.mu.Lock()
					r.dials = nil
					r.mu.Unlock()
					began := time.Now()
					r.onceFor(time.Minute)
					if len(r.dials) != run.dials || r.dials[0].Sub(began) != run.takes {
						t.Errorf("run %d: %d dials, the first after %v, want %d after %v", i, len(r.dials), r.dials[0].Sub(began), run.dials, run.takes)
					}
					if l := r.link(); (l.State == LinkFailed) != (run.err != nil) {
						t.Errorf("run %d: the link is %+v", i, l)
					}
				}
				r.wantReceipts(1)
			})
		})
	}
}

// onceFor is once with another limit.
func (r *patientRig) onceFor(limit time.Duration) {
	r.Helper()
	r.syncer = New(r.options)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	planned := make(chan struct{})
	r.must(r.syncer.Planner("out").Scan(ctx, slices.Values(r.entries())))
	close(planned)
	if err := r.syncer.Once(ctx, planned); err != nil || ctx.Err() != nil {
		r.Fatalf("once: %v, %v", err, ctx.Err())
	}
}

// TestARestartDoesNotHammer goes on waiting where the run before has left off, and its waits go on growing.
func TestARestartDoesNotHammer(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.dialFails(remote.Transient)
		r.begin()
		r.pass(20 * time.Minute)
		before := len(r.dials)
		for range 200 { // a service that is started again and again
			r.again()
			r.pass(3 * time.Second)
		}
		if n := len(r.dials) - before; n > 11 {
			t.Errorf("%d dials in ten minutes of restarts", n)
		}
		w, found := r.wait()
		if !found || w.Failures != len(r.dials) || w.Connects != len(r.dials) || !w.Next.After(time.Now()) || w.Reason == "" {
			t.Errorf("stored: %+v, %t, after %d dials", w, found, len(r.dials))
		}
		if l := r.link(); l.State != LinkWaiting || l.Reason != w.Reason || !l.NextAttempt.Equal(w.Next) {
			t.Errorf("the link is %+v", l)
		}
		r.server.setDialed(func() error { r.note(); return nil })
		r.pass(5 * time.Minute)
		r.wantReceipts(1)
		if w, found := r.wait(); found {
			t.Errorf("after a delivery: %+v", w)
		}
	})
}

// TestWhatEndsAWait has a destination dialled at once.
func TestWhatEndsAWait(t *testing.T) {
	for _, row := range []struct {
		name string
		end  func(r *patientRig, account *atomic.Value)
	}{
		{"a person, while it waits", func(r *patientRig, _ *atomic.Value) { r.syncer.Free("acme") }},
		{"a person, before a start", func(r *patientRig, _ *atomic.Value) {
			r.stop()
			if ok, err := r.store.ClearWait(r.Context(), "acme"); !ok || err != nil {
				r.Fatal(ok, err)
			}
			r.start()
		}},
		{"another account, while it waits", func(r *patientRig, account *atomic.Value) {
			account.Store("another")
			r.pass(accountLook)
		}},
		{"another account, before a start", func(r *patientRig, account *atomic.Value) {
			r.stop()
			account.Store("another")
			r.start()
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				r.folder.Retry = Retry{Initial: time.Hour, Max: 2 * time.Hour}
				var account atomic.Value
				account.Store("the first")
				r.options.Destinations[0].Account = func() string { return account.Load().(string) }
				r.dialFails(remote.Transient)
				r.begin()
				r.again()
				if len(r.dials) != 1 {
					t.Fatalf("%d dials", len(r.dials))
				}
				row.end(r, &account)
				synctest.Wait()
				if len(r.dials) != 2 {
					t.Errorf("%d dials, want 2", len(r.dials))
				}
				if w, found := r.wait(); !found || w.Failures != 1 || w.Account != account.Load() {
					t.Errorf("what was before is forgotten: %+v, %t", w, found)
				}
			})
		})
	}
}
