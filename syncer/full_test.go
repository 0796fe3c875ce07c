package syncer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
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
