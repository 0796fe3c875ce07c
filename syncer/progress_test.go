package syncer

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// TestOnlyProgressEndsPatience has a server that lets us in and cuts the line at the first write: waits grow, across
// restarts too, until something has arrived. After that the next reconnect is prompt.
func TestOnlyProgressEndsPatience(t *testing.T) {
	inTime(t, func(r *patientRig) {
		cutting := func(op, _ string, cut func()) error {
			if op == "put" {
				cut()
			}
			return nil
		}
		r.server.setRefuse(cutting)
		r.begin()
		r.pass(time.Hour)
		r.again()
		r.pass(time.Hour)
		gaps := r.gaps()
		if n := len(gaps); n < 20 || slices.Max(gaps[:4]) > 8*time.Second || slices.Max(gaps[n-8:]) < time.Minute {
			t.Errorf("waits: %v", gaps)
		}
		if w, found := r.wait(); !found || w.Failures < 20 || w.Connects != 0 {
			t.Errorf("stored: %+v", w)
		}
		r.server.setRefuse(nil)
		r.pass(10 * time.Minute)
		r.wantReceipts(1)
		if w, found := r.wait(); found {
			t.Errorf("after a delivery: %+v", w)
		}

		before := len(r.dials)
		r.server.setRefuse(cutting)
		r.drop("b", "content")
		r.scan()
		r.pass(2 * time.Second)
		if n := len(r.dials) - before; n < 1 {
			t.Errorf("%d dials in the first 2 seconds after a good session", n)
		}
	})
}

// TestWhatIsLearntWithoutTheServerEndsNoPatience has files that were only touched, beside one that cuts the line: to find
// them unchanged says nothing of the server.
func TestWhatIsLearntWithoutTheServerEndsNoPatience(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.delivered("b", "content", remote.SizeOnly)
		r.server.put("in/b", "content", r.print("b").Modified())
		r.server.setRefuse(func(op, _ string, cut func()) error {
			if op == "put" {
				cut()
			}
			return nil
		})
		r.drop("a", "content")
		r.start()
		for range 60 {
			r.drop("b", "content") // another inode, the same content
			r.scan()
			r.pass(time.Minute)
		}
		if n := r.events.count(EventUnchanged); n < 5 {
			t.Errorf("only %d times unchanged", n)
		}
		if n := len(r.dials); n > 80 {
			t.Errorf("%d dials in an hour", n)
		}
	})
}

// TestAMinuteOfProgressEndsPatience has a large file that is cut off again and again, and comes further each time.
func TestAMinuteOfProgressEndsPatience(t *testing.T) {
	inTime(t, func(r *patientRig) {
		r.dialFails(remote.Transient)
		r.begin()
		r.pass(20 * time.Minute)
		r.server.setDialed(func() error { r.note(); return nil })
		r.server.setProgress(func(tell func(int64), f *fakeSession) {
			for i := range int64(30) {
				tell((i + 1) << 20)
				select {
				case <-time.After(5 * time.Second):
				case <-f.Done():
					return
				}
			}
			f.Close()
		})
		r.pass(time.Hour)
		gaps := r.gaps()
		if last := gaps[len(gaps)-1]; last > 152*time.Second {
			t.Errorf("after two minutes of progress the next attempt took %v: %v", last-150*time.Second, gaps)
		}
	})
}

// TestASessionThatEndsIdleIsNoFailure is about servers that close what is idle.
func TestASessionThatEndsIdleIsNoFailure(t *testing.T) {
	for _, row := range []struct {
		name  string
		begin func(r *patientRig)
	}{
		{"after a delivery", func(r *patientRig) { r.begin(); r.await(EventDelivered, "a", "acme") }},
		{"without any work", func(r *patientRig) { // which was cancelled while it was dialled
			r.server.dialed = func() error {
				r.note()
				_, err := r.rig.store.Cancel(context.Background(), state.Selection{Destination: "acme"})
				return err
			}
			r.begin()
			r.server.setDialed(func() error { r.note(); return nil })
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			inTime(t, func(r *patientRig) {
				row.begin(r)
				for i := range 5 {
					r.pass(time.Hour)
					if !r.link().Connected {
						t.Fatal("the session does not stand")
					}
					r.server.closeAll()
					r.pass(time.Hour)
					dials := len(r.dials)
					at := time.Now()
					name := string(rune('b' + i))
					r.drop(name, "content")
					r.scan()
					if e := r.await(EventDelivered, name, "acme"); e.At.Sub(at) != 0 || len(r.dials) != dials+1 {
						t.Errorf("it was delivered after %v and %d dials", e.At.Sub(at), len(r.dials)-dials)
					}
				}
				r.wantNone(EventLost)
			})
		})
	}
}
