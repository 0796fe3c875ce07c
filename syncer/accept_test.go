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

// TestHaltedSaysWhatIsSo when most is back: how many were missing, and how many are now. Nothing is removed by itself then: what
// comes back may do so slowly.
func TestHaltedSaysWhatIsSo(t *testing.T) {
	t.Parallel()
	for _, emptied := range []bool{false, true} {
		r, s, later := haltedRig(t)
		want := []string{"20 files were missing in " + r.root + ", more than 5", "2 files are missing now (\"lost18\", \"lost19\")"}
		if emptied {
			if _, err := r.store.ClearHalt(t.Context(), r.folder.Name); err != nil {
				t.Fatal(err)
			}
			r.gone("a", "stays")
			r.once()
			r.wantHalt(HaltEmptied)
			want[0] = "no file was left in " + r.root + ", and 22 files would have been removed"
			r.drop("a", "old")
			r.drop("stays", "x")
		}
		for i := range 18 {
			r.drop(lostName(i), "x")
		}
		for range 3 {
			later(2 * time.Minute)
			r.once()
		}
		h, _, err := r.store.HaltOf(t.Context(), r.folder.Name)
		if err != nil || h.Accepted != nil || h.Count != 2 {
			t.Fatalf("%+v, %v", h, err)
		}
		for _, part := range want {
			if !strings.Contains(h.Detail, part) {
				t.Errorf("%q lacks %q", h.Detail, part)
			}
		}
		if n := len(s.mirror()); n != 22 {
			t.Errorf("%d files are at the server, want 22", n)
		}
	}
}

// TestRaisedLimitFrees a folder where more is missing than might be removed, unless no file is left, and no folder that a
// lower limit would not have halted.
func TestRaisedLimitFrees(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		limit   int
		emptied bool
		want    string // why it is halted then
		left    int
	}{
		"to what is missing": {20, false, "", 2},
		"too little":         {19, false, HaltTooMany, 22},
		"of an emptied one":  {500, true, HaltEmptied, 22},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, s, later := haltedRig(t)
			if row.emptied {
				if _, err := r.store.ClearHalt(t.Context(), r.folder.Name); err != nil {
					t.Fatal(err)
				}
				r.gone("a", "stays")
				r.once()
			}
			r.folder.MaxDelete = row.limit
			later(2 * time.Minute)
			r.once()
			r.once()
			h := r.wantHalt(row.want)
			if row.want == HaltTooMany && !strings.Contains(h.Detail, "more than 19") {
				t.Errorf("it says %q", h.Detail)
			}
			if n := len(s.mirror()); n != row.left {
				t.Errorf("%d files are at the server, want %d", n, row.left)
			}
		})
	}
}
