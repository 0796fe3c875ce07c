package syncer

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestAMismatchBeginsANewGeneration sends under another temp what has arrived as other bytes, and asks a person the
// second time.
func TestAMismatchBeginsANewGeneration(t *testing.T) {
	for _, row := range []struct {
		name    string
		corrupt int
		held    bool
	}{{"once", 1, false}, {"twice", 2, true}} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				r.folder.Verify = remote.Content
				var mu sync.Mutex
				var temps []string
				corrupt := row.corrupt
				r.server.setRefuse(func(op, name string, _ func()) error {
					mu.Lock()
					defer mu.Unlock()
					if op == "put" {
						temps = append(temps, name)
					}
					if op == "stat" && isTemp(name) && corrupt > 0 { // it is there, and about to be verified
						corrupt--
						r.server.put(name, "c0ntent", time.Now())
					}
					return nil
				})
				r.begin()
				r.pass(time.Hour)
				if row.held {
					e := r.await(EventHeld, "a", "acme")
					i := r.intent("a")
					if i.Phase != state.Held || i.Mismatches != 2 || i.LastError != e.Err.Error() {
						t.Errorf("%+v", i)
					}
					r.wantReceipts(0)
					if ok, err := r.store.Release(r.Context(), i.ID); !ok || err != nil {
						t.Fatal(ok, err)
					}
					r.syncer.Wake("acme")
					r.pass(time.Second)
				}
				r.wantReceipts(1)
				if len(temps) != row.corrupt+1 || len(slices.Compact(slices.Sorted(slices.Values(temps)))) != len(temps) {
					t.Errorf("temps: %v", temps)
				}
				if got, _ := r.server.content("in/a"); got != "content" {
					t.Errorf("published: %q", got)
				}
				if left := r.server.names(".part"); len(left) != 0 {
					t.Errorf("left over: %v", left)
				}
				if sweeps, err := r.store.Sweeps(r.Context(), "acme", 0); len(sweeps) != 0 || err != nil {
					t.Errorf("to be swept still: %v, %v", sweeps, err)
				}
			})
		})
	}
}
