package syncer

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestClocksThatAreSet puts the wall clock forward and back by ten years at every sort of moment.
func TestClocksThatAreSet(t *testing.T) {
	for _, jump := range []int{10, -10} {
		for _, row := range []struct {
			name string
			test func(t *testing.T, r *patientRig, set func())
		}{
			{"while the destination waits", func(t *testing.T, r *patientRig, set func()) {
				r.dialFails(remote.Transient)
				r.begin()
				r.pass(10 * time.Minute)
				set()
				if n, _ := r.pass(time.Hour); n < 12 || n > 80 {
					t.Errorf("%d dials in an hour", n)
				}
				r.server.setDialed(nil)
				r.pass(6 * time.Minute)
			}},
			{"before a restart while the destination waits", func(t *testing.T, r *patientRig, set func()) {
				r.dialFails(remote.Transient)
				r.begin()
				r.pass(10 * time.Minute)
				set()
				r.again()
				if n, _ := r.pass(time.Hour); n < 12 || n > 80 {
					t.Errorf("%d dials in an hour", n)
				}
				r.server.setDialed(nil)
				r.pass(6 * time.Minute)
			}},
			{"while a file waits for its next attempt", func(_ *testing.T, r *patientRig, set func()) {
				r.refuse("close", remote.Missing)
				r.begin()
				r.pass(10 * time.Minute)
				set()
				r.server.setRefuse(nil)
				r.pass(6 * time.Minute)
			}},
			{"before a restart while a file waits", func(_ *testing.T, r *patientRig, set func()) {
				r.refuse("close", remote.Missing)
				r.begin()
				r.pass(10 * time.Minute)
				set()
				r.server.setRefuse(nil)
				r.again()
				r.pass(6 * time.Minute)
			}},
			{"while a file fails for less than its patience", func(t *testing.T, r *patientRig, set func()) {
				r.refuse("close", remote.Missing)
				r.begin()
				r.pass(time.Hour)
				before := r.intent("a").Failures
				set()
				r.pass(time.Hour)
				if i := r.intent("a"); i.Phase != state.Planned || i.Failures < before+10 || i.Failures > before+40 {
					t.Errorf("it is %s after %d and then %d failures", i.Phase, before, i.Failures)
				}
				r.server.setRefuse(nil)
				r.pass(6 * time.Minute)
			}},
			{"between being settled and being sent", func(_ *testing.T, r *patientRig, set func()) {
				r.plan("a", "content")
				set()
				r.start()
				r.pass(time.Second)
			}},
			{"while a login is blocked", func(t *testing.T, r *patientRig, set func()) {
				r.options.Destinations[0].Account = func() string { return "print" }
				r.dialFails(remote.Auth)
				r.begin()
				set()
				r.pass(29 * time.Minute)
				if len(r.dials) != 1 {
					t.Errorf("%d attempts to log in", len(r.dials))
				}
				r.server.setDialed(nil)
				r.pass(2 * time.Minute)
			}},
			{"before a restart while a login is blocked", func(_ *testing.T, r *patientRig, set func()) {
				r.options.Destinations[0].Account = func() string { return "print" }
				r.dialFails(remote.Auth)
				r.begin()
				set()
				r.server.setDialed(nil)
				r.again()
				r.pass(61 * time.Minute)
			}},
			{"while it is parked", func(t *testing.T, r *patientRig, set func()) {
				r.refuse("rename", remote.Unsupported)
				r.begin()
				r.await(EventParked, "a", "acme")
				set()
				r.server.setRefuse(nil)
				r.again()
				r.pass(24 * time.Hour)
				i := r.intent("a")
				if i.Phase != state.Parked {
					t.Errorf("it is %s", i.Phase)
				}
				if ok, err := r.rig.store.Release(r.Context(), i.ID); !ok || err != nil {
					t.Fatal(ok, err)
				}
				r.syncer.Wake("acme")
				r.pass(time.Second)
			}},
		} {
			t.Run(map[bool]string{true: "forward ", false: "back "}[jump > 0]+row.name, func(t *testing.T) {
				inTime(t, func(r *patientRig) {
					var years atomic.Int64
					r.options.Now = func() time.Time { return time.Now().AddDate(int(years.Load()), 0, 0) }
					row.test(t, r, func() { years.Store(int64(jump)) })
					if len(r.receipts()) != 1 {
						t.Errorf("nothing was delivered: %+v", r.record("a").Intents)
					}
				})
			})
		}
	}
}
