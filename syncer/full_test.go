package syncer

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

func TestFullWait(t *testing.T) {
	t.Parallel()
	usual := Retry{Initial: time.Second, Max: 5 * time.Minute}
	for n, want := range map[int]time.Duration{
		1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 6: 32 * time.Minute, 7: time.Hour, 100: time.Hour,
	} {
		if got := fullWait(usual, n); got != want {
			t.Errorf("after %d failures: %v, want %v", n, got, want)
		}
	}
	if got := fullWait(Retry{Initial: time.Millisecond, Max: 2 * time.Millisecond}, 2); got != 4*time.Millisecond {
		t.Errorf("in an impatient folder: %v", got)
	}
}

// TestAFullDiskIsNotFilledAgainAndAgain has a file that does not fit, before and behind those that do: it is not sent again
// where the server tells its room, and ever more seldom where it does not; the others go on.
func TestAFullDiskIsNotFilledAgainAndAgain(t *testing.T) {
	for _, tells := range []bool{true, false} {
		t.Run(map[bool]string{true: "the room is told", false: "it is not"}[tells], func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				const room = 1000
				r.server.room, r.server.tellsRoom = room, tells
				r.drop("a large one", strings.Repeat("x", 10*room))
				r.drop("b small", "small")
				r.start()
				r.scan()
				r.pass(10 * time.Minute)
				r.stop()
				r.drop("c later", "later")
				r.start() // which knows no more than what the store keeps
				r.scan()
				r.await(EventDelivered, "b small", "acme")
				r.await(EventDelivered, "c later", "acme")
				r.pass(14 * time.Hour)
				most := int64(2 * room) // both of the first session, at most
				if !tells {
					most = 24 * room
				}
				r.server.mu.Lock()
				sent := r.server.sent
				r.server.mu.Unlock()
				if sent > most {
					t.Errorf("%d bytes were sent in vain, want at most %d", sent, most)
				}
				if i := r.intent("a large one"); !strings.Contains(i.LastError, "full") || i.Failures > 0 {
					t.Errorf("it counts as a failure of its own: %+v", i)
				}
				r.server.mu.Lock()
				r.server.room = 0
				r.server.mu.Unlock()
				r.pass(2 * time.Hour)
				synctest.Wait()
				r.await(EventDelivered, "a large one", "acme")
				if tells {
					return
				}
				for _, e := range r.events.of(EventFailed) {
					if remote.KindOf(e.Err) != remote.DiskFull || e.Next.IsZero() {
						t.Errorf("told: %+v", e)
					}
				}
			})
		})
	}
}

// TestNothingFits lets the destination rest, and says why, as long as nothing of what there is fits.
func TestNothingFits(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.server.room, r.server.tellsRoom = 100, true
		for _, name := range []string{"a", "b", "c"} {
			r.drop(name, strings.Repeat(name, 1000))
		}
		r.start()
		r.scan()
		r.pass(30 * time.Second)
		for range 5 {
			r.pass(time.Minute)
			s := r.syncer.Status()[0]
			if s.State != LinkWaiting || remote.KindOf(s.Err) != remote.DiskFull || s.NextAttempt.IsZero() {
				t.Errorf("status: %+v", s)
			}
		}
		if n := len(r.server.sessions); n > 7 {
			t.Errorf("%d sessions in six minutes", n)
		}
		r.server.mu.Lock()
		sent := r.server.sent
		r.server.room = 0
		r.server.mu.Unlock()
		if sent > 300 {
			t.Errorf("%d bytes were sent in vain", sent)
		}
		r.pass(20 * time.Minute)
		for _, name := range []string{"a", "b", "c"} {
			r.await(EventDelivered, name, "acme")
		}
	})
}

// TestWhatIsThereAlreadyNeedsNoRoom goes on with a file that was cut off, though there is no room for another whole one.
func TestWhatIsThereAlreadyNeedsNoRoom(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		checkpoint int64
		temp       string
		fits       bool
	}{
		"nothing is there":             {0, "", false},
		"most of it is there":          {900, strings.Repeat("x", 950), true},
		"less than was counted":        {900, "x", false},
		"it was removed with its temp": {900, "", false},
	} {
		r := newRig(t)
		server := newFakeServer()
		server.room, server.tellsRoom = 500, true
		r.route("acme", server.dial)
		in := r.plan("a", strings.Repeat("x", 1000))[0]
		if row.checkpoint > 0 {
			if ok, err := r.store.SaveCheckpoint(t.Context(), in.ID, state.Checkpoint{Offset: row.checkpoint, Hash: []byte("hash")}); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
		if row.temp != "" {
			server.files[in.Temp] = fakeFile{content: row.temp}
		}
		r.syncer = New(r.options)
		session, err := server.dial(t.Context())
		r.must(err)
		w := &workload{session: session}
		err = r.syncer.link("acme").fits(t.Context(), w, &outcome{intent: in, tight: true})
		if (err == nil) != row.fits {
			t.Errorf("%s: %v", name, err)
		}
		session.Close()
	}
}

// TestTroublesOfWhatHasEndedAreForgotten has files fail and be taken back while they wait, again and again.
func TestTroublesOfWhatHasEndedAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", newFakeServer().dial)
	open := r.plan("a", "content")[0]
	r.syncer = New(r.options)
	l := r.syncer.link("acme")
	l.troubles[open.ID] = &trouble{full: 3}
	for i := range 10 * manyTroubles {
		r.must(l.forgetEnded(t.Context()))
		l.troubles[fmt.Sprint("gone-", i)] = &trouble{}
		if n := len(l.troubles); n > manyTroubles+1 {
			t.Fatalf("%d are remembered", n)
		}
	}
	if l.troubles[open.ID].full != 3 {
		t.Error("what still waits is forgotten")
	}
}
