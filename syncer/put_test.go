package syncer

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// newPut puts the rig's file "a" at "in/a" of a server in memory.
func newPut(t *testing.T, patience time.Duration) (*rig, *fakeServer, *Put) {
	t.Helper()
	r := newRig(t)
	r.drop("a", "content")
	server := newFakeServer()
	server.hashes = true
	return r, server, &Put{
		Store: r.store, Destination: Destination{Name: "acme", Dial: server.dial}, Final: "in/a", Path: "a", Source: r.source("a"),
		Verify: remote.Auto, Retry: Retry{Initial: time.Millisecond, Max: 4 * time.Millisecond}, Patience: patience,
		Expect: Expectation{Size: -1}, Hold: func(string) (func() error, error) { return func() error { return nil }, nil },
		Observe: r.events.observe,
	}
}

// TestPutIsPatient with a server that cannot be reached, and with nothing else.
func TestPutIsPatient(t *testing.T) {
	t.Parallel()
	unreachable := problem("connect", "", remote.Transient, errors.New("connection refused"))
	for _, c := range []struct {
		name     string
		err      error
		patience time.Duration
		dials    func(int) bool
	}{
		{"without patience", unreachable, 0, func(n int) bool { return n == 1 }},
		{"with some", unreachable, 200 * time.Millisecond, func(n int) bool { return n > 1 }},
		{"refused login", problem("connect", "", remote.Auth, errors.New("refused")), time.Hour, func(n int) bool { return n == 1 }},
		{"unknown host key", problem("connect", "", remote.HostKey, errors.New("unknown")), time.Hour, func(n int) bool { return n == 1 }},
		{"no root", problem("stat", "", remote.Root, fs.ErrNotExist), time.Hour, func(n int) bool { return n == 1 }},
		{"full disk", problem("probe", "", remote.DiskFull, errors.New("full")), time.Hour, func(n int) bool { return n == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, server, p := newPut(t, c.patience)
			dials := 0
			server.setDialed(func() error { dials++; return c.err })
			started := time.Now()
			_, err := p.Run(t.Context())
			if !errors.Is(err, c.err) || !c.dials(dials) {
				t.Errorf("%v after %d dials", err, dials)
			}
			if took := time.Since(started); took > c.patience && c.patience < time.Minute && took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// TestPutJudgesFailures over a session: what the server may take the next time is tried again, all else ends the put with
// nothing left behind.
func TestPutJudgesFailures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		op    string
		err   error
		times int // that the server refuses
		puts  int // that are made
		want  error
		left  int // intents
	}{
		{"refused twice", "put", problem("put", "t", remote.Refused, errors.New("failure")), 2, 3, nil, 0},
		{"refused for good", "put", problem("put", "t", remote.Refused, errors.New("failure")), 99, 3, &remote.Error{}, 0},
		{"denied", "put", problem("put", "t", remote.Permission, fs.ErrPermission), 99, 2, &remote.Error{}, 0},
		{"full", "put", problem("put", "t", remote.DiskFull, errors.New("full")), 99, 1, &remote.Error{}, 0},
		{"cut once", "close", problem("close", "t", remote.Transient, errCut), 1, 2, nil, 0},
		{"other bytes once", "verify", problem("verify", "t", remote.Integrity, errors.New("other")), 1, 2, nil, 0},
		{"other bytes", "verify", problem("verify", "t", remote.Integrity, errors.New("other")), 99, 2, &remote.Error{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, server, p := newPut(t, time.Hour)
			puts, failed := 0, 0
			server.setRefuse(func(op, name string, cut func()) error {
				if op == "put" {
					puts++
				}
				concerned := op == c.op || c.op == "verify" && op == "stat" && isTemp(name)
				if !concerned || failed >= c.times {
					return nil
				}
				failed++
				if remote.KindOf(c.err) == remote.Transient {
					cut()
				}
				return c.err
			})
			result, err := p.Run(t.Context())
			if (err == nil) != (c.want == nil) || result.Sent != (c.want == nil) {
				t.Errorf("%+v, %v", result, err)
			}
			if puts != c.puts {
				t.Errorf("%d uploads, want %d", puts, c.puts)
			}
			left, storeErr := r.store.Intents(t.Context(), "", "", 0)
			if storeErr != nil || len(left) != c.left {
				t.Errorf("%d intents are left, %v", len(left), storeErr)
			}
			if temps := server.names(".part"); len(temps) > 0 {
				t.Errorf("left at the server: %q", temps)
			}
			if _, there := server.content("in/a"); there != (c.want == nil) {
				t.Errorf("published: %v", there)
			}
		})
	}
}

// TestPutOfALocalFailure is not tried again, and published neither.
func TestPutOfALocalFailure(t *testing.T) {
	t.Parallel()
	r, server, p := newPut(t, time.Hour)
	p.Source = filepath.Join(r.dir, "nowhere")
	if _, err := p.Run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is missing: %v", err)
	}
	p.Source = r.source("a")
	server.setRefuse(func(op, _ string, _ func()) error {
		if op == "put" {
			r.drop("a", "changed")
		}
		return nil
	})
	if _, err := p.Run(t.Context()); !errors.Is(err, watcher.ErrChanged) {
		t.Errorf("a file that changes: %v", err)
	}
	if len(server.sessions) != 1 || len(server.names("a")) > 0 {
		t.Errorf("%d sessions, %q", len(server.sessions), server.names("a"))
	}
}

// TestPutIsInterrupted until T2, and not after it: what may be visible is brought to its end.
func TestPutIsInterrupted(t *testing.T) {
	t.Parallel()
	for op, published := range map[string]bool{"put": false, "close": false, "set time": false, "rename": true} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			r, server, p := newPut(t, time.Hour)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server.setRefuse(func(o, _ string, _ func()) error {
				if o == op {
					cancel()
				}
				return nil
			})
			result, err := p.Run(ctx)
			if (err == nil) != published || result.Sent != published || (!published && !errors.Is(err, context.Canceled)) {
				t.Errorf("%+v, %v", result, err)
			}
			left, err := r.store.Intents(t.Context(), "", "", 0, state.Planned)
			if err != nil || (len(left) == 0) != published {
				t.Errorf("%d intents are left, %v", len(left), err)
			}
			result, err = p.Run(t.Context()) // the same again
			if err != nil || result.Sent == published {
				t.Errorf("the second: %+v, %v", result, err)
			}
		})
	}
}

// TestPatienceDoesNotCountTheProducersSilence measures only what the server is to blame for.
func TestPatienceDoesNotCountTheProducersSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for silent, want := range map[bool]bool{true: true, false: false} {
			p := &putting{
				Put:    &Put{Patience: 10 * time.Minute, Retry: Retry{Initial: time.Second, Max: time.Second}, Now: time.Now, Observe: func(Event) {}},
				link:   &link{},
				random: rand.New(rand.NewPCG(1, 2)),
				window: NewWindow(windowChunk),
			}
			lost := errors.New("lost")
			if wait := p.again(lost, EventFailed); wait < 0 {
				t.Fatal("no patience at all")
			}
			for range 4 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				if silent {
					_, _ = p.window.Begun(ctx) // ends with ctx
				} else {
					<-ctx.Done()
				}
				cancel()
				if wait := p.again(lost, EventFailed); wait < 0 && silent {
					t.Fatal("the producer's silence was counted")
				}
			}
			if wait := p.again(lost, EventFailed); (wait >= 0) != want {
				t.Errorf("after 20 minutes (silent: %v): %v", silent, wait)
			}
		}
	})
}
