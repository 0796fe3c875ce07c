package syncer

import (
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestATempThatCannotBeRemoved is told of and kept for a few later attempts, not forgotten and not asked for at each turn.
func TestATempThatCannotBeRemoved(t *testing.T) {
	refused := problem("remove", "in/.b.part", remote.Permission, fs.ErrPermission)
	for _, row := range []struct {
		name  string
		err   error
		gone  bool // the server has no such file
		times int  // that it refuses
		asked int  // how often it is asked
		told  int
		given bool // up
	}{
		{"removed at once", nil, false, 0, 1, 0, false},
		{"refused twice", refused, false, 2, 3, 2, false},
		{"refused for good", refused, false, 99, 1 + len(sweepWaits), 1 + len(sweepWaits), true},
		{"gone, and the server says no more than failure", problem("remove", "in/.b.part", remote.Refused, errors.New("failure")), true, 99, 1, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				const temp = "in/.b.part"
				if !row.gone {
					r.server.put(temp, "left over", time.Now())
				}
				r.must(r.rig.store.AddSweep(r.Context(), state.Sweep{ID: "b", Destination: "acme", Temp: temp}))
				asked := 0
				r.server.setRefuse(func(op, name string, _ func()) error {
					if op != "remove" || name != temp {
						return nil
					}
					if asked++; asked <= row.times {
						return row.err
					}
					return nil
				})
				r.begin()
				r.await(EventDelivered, "a", "acme")
				for range 10 { // with something to do at each
					before := asked
					for range 3 {
						r.syncer.poke("acme")
						r.pass(time.Minute)
					}
					if asked > before+1 {
						t.Fatalf("asked %d times in three minutes", asked-before)
					}
					r.pass(24 * time.Hour)
				}
				synctest.Wait()
				if asked != row.asked {
					t.Errorf("asked %d times, want %d", asked, row.asked)
				}
				told := r.events.of(EventUnswept)
				if len(told) != row.told {
					t.Fatalf("told %d times, want %d", len(told), row.told)
				}
				for n, e := range told {
					last := row.given && n == len(told)-1
					if e.RemotePath != temp || e.ID != "b" || e.Reason == "" || e.Next.IsZero() != last || !last && !e.Next.After(e.At) {
						t.Errorf("told: %+v", e)
					}
				}
				if left, err := r.rig.store.Sweeps(r.Context(), "acme", 0); err != nil || len(left) != 0 {
					t.Errorf("left in the queue: %+v, %v", left, err)
				}
				if _, there := r.server.content(temp); there != row.given {
					t.Errorf("it is there: %v", there)
				}
			})
		})
	}
}
