package syncer

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// haltedRig is a mirror of 22 files that may lose 5 at once and has lost 20: 8 of them for long enough, as two complete scans
// say, and 12 after them. What it returns puts its clock forward.
func haltedRig(t *testing.T) (r *rig, s *fakeServer, later func(time.Duration)) {
	t.Helper()
	r, s = removingRig(t)
	r.folder.DeleteDelay, r.folder.MaxDelete = time.Minute, 5
	var passed atomic.Int64
	r.options.Now = func() time.Time { return settledClock().Add(time.Duration(passed.Load())) }
	later = func(d time.Duration) { passed.Add(int64(d)) }
	for i := range 20 {
		r.drop(lostName(i), "x")
	}
	r.once()
	lose := func(from, to int) {
		for i := from; i < to; i++ {
			r.gone(lostName(i))
		}
		r.once()
	}
	lose(0, 8)
	later(40 * time.Second)
	lose(8, 20)
	r.wantHalt("")
	later(25 * time.Second)
	r.once()
	r.wantHalt(HaltTooMany)
	return r, s, later
}

func lostName(i int) string { return fmt.Sprintf("lost%02d", i) }

// TestAcceptedIsNotUsedUpByAPart has a person accept what is missing, of which only some is missing for long enough: the rest
// goes when it is, and no more than that.
func TestAcceptedIsNotUsedUpByAPart(t *testing.T) {
	t.Parallel()
	for _, more := range []int{0, 1} {
		r, s, later := haltedRig(t)
		if ok, err := r.store.AcceptDeletes(t.Context(), r.folder.Name, 20); err != nil || !ok {
			t.Fatal(ok, err)
		}
		r.once()
		if n := len(s.mirror()); n != 14 {
			t.Fatalf("%d files are left after what was missing for long enough, want 14", n)
		}
		later(2 * time.Minute)
		if more > 0 {
			r.gone("a")
		}
		r.once()
		if more > 0 {
			if h := r.wantHalt(HaltTooMany); h.Count != 13 || !strings.Contains(h.Detail, "more than 12") {
				t.Errorf("one more than was accepted: %+v", h)
			}
			continue
		}
		if _, on, err := r.store.HaltOf(t.Context(), r.folder.Name); on || err != nil {
			t.Errorf("what was accepted outlives it: %v", err)
		}
		if n := len(s.mirror()); n != 2 {
			t.Errorf("%d files are left, want 2", n)
		}
	}
}

// TestAcceptedRestIsOfNoOtherRoot has a person accept another root, and what is missing in it: the rest of what he accepted
// holds for no further one.
func TestAcceptedRestIsOfNoOtherRoot(t *testing.T) {
	t.Parallel()
	r, _, later := haltedRig(t)
	r.must(os.Remove(r.source(file.Marker)))
	r.once()
	r.wantHalt(HaltMarker)
	if ok, err := r.store.AcceptDeletes(t.Context(), r.folder.Name, 20); err != nil || !ok {
		t.Fatal(ok, err)
	}
	r.once()
	if h, on, err := r.store.HaltOf(t.Context(), r.folder.Name); err != nil || !on || h.Accepted == nil || h.Reason != HaltTooMany {
		t.Fatalf("after a part: %+v, %v, %v", h, on, err)
	}
	r.must(os.Remove(r.source(file.Marker)))
	later(2 * time.Minute)
	r.once()
	r.wantHalt(HaltMarker)
}
