package syncer

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestAuthRetryOff leaves a refused login to a person, across restarts.
func TestAuthRetryOff(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.options.Destinations[0].Account = func() string { return "print" }
		r.options.Destinations[0].NeverProbe = true
		r.dialFails(remote.Auth)
		r.begin()
		for range 3 {
			r.pass(100 * 24 * time.Hour)
			if l := r.link(); len(r.dials) != 1 || l.State != LinkBlocked || !l.NextAttempt.IsZero() {
				t.Errorf("%d attempts to log in, the link is %+v", len(r.dials), l)
			}
			r.again()
		}
		b, found, err := r.store.BlockOf(r.Context(), "acme")
		if err != nil || !found || !b.NextProbe.IsZero() {
			t.Errorf("stored: %+v, %t, %v", b, found, err)
		}
		r.must(r.store.ClearBlock(r.Context(), "acme"))
		if !r.syncer.Free("acme") {
			t.Error("nothing to free")
		}
		synctest.Wait()
		if len(r.dials) != 2 {
			t.Errorf("freed, it was dialled %d times, want 2", len(r.dials))
		}
		r.stop()
		r.options.Destinations[0].NeverProbe = false
		r.start()
		r.pass(authRetryFirst + time.Second)
		if len(r.dials) != 3 {
			t.Errorf("with auth_retry on again %d dials, want 3", len(r.dials))
		}
	})
}

// TestALocalFaultIsNoRefusedLogin tells of a key that cannot be read here, though an earlier login was refused, and tries
// again soon after it is mended: the server has seen nothing.
func TestALocalFaultIsNoRefusedLogin(t *testing.T) {
	local := remote.CheckSecrets(remote.Target{Name: "acme", KeyFile: t.TempDir() + "/nowhere"})
	refused := problem("connect", "", remote.Auth, errors.New("refused"))
	inTime(t, func(r *patientRig) {
		var fault atomic.Bool
		r.options.Destinations[0].Account = func() string { return "print" }
		r.options.Destinations[0].Secrets = func() error {
			if fault.Load() {
				return local
			}
			return nil
		}
		logins := 0
		r.server.dialed = func() error {
			r.note()
			if fault.Load() {
				return local
			}
			logins++
			return refused
		}
		fault.Store(true)
		r.begin()
		r.pass(5 * time.Minute)
		if _, found, err := r.store.BlockOf(r.Context(), "acme"); found || err != nil || logins != 0 {
			t.Errorf("a local fault is stored as a refused login: %v", err)
		}
		fault.Store(false)
		r.pass(keyRetry)
		if logins != 1 {
			t.Errorf("%d logins in the minute after it was mended, want 1", logins)
		}
		b, found, err := r.store.BlockOf(r.Context(), "acme")
		if !found || err != nil {
			t.Fatal(found, err)
		}
		fault.Store(true)
		r.again()
		if l := r.link(); !strings.Contains(l.Reason, "nowhere") {
			t.Errorf("the block masks what is wrong now: %s", l.Reason)
		}
		fault.Store(false)
		r.again()
		if now, _, err := r.store.BlockOf(r.Context(), "acme"); err != nil || now != b || logins != 1 {
			t.Errorf("the block is %+v, want %+v; %d logins", now, b, logins)
		}
	})
}

// TestStillBlocked binds whoever would log in; without a next probe for good, as with auth_retry off.
func TestStillBlocked(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		next time.Time
		want bool
	}{
		{"a probe is to come", now.Add(time.Second), true},
		{"it is due", now, false},
		{"it was due", now.Add(-time.Hour), false},
		{"there is none", time.Time{}, true},
	} {
		if got := StillBlocked(state.Block{NextProbe: row.next}, now); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
