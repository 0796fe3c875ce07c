package syncer

import (
	"slices"
	"testing"
)

// TestWhatWasFoundThereStays counts what has left a mirror and was not put there by it, as long as it is gone.
func TestWhatWasFoundThereStays(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	at := r.drop("found", "theirs").Modified()
	s.put("in/found", "theirs", at)
	r.once()
	left := func(want int) {
		t.Helper()
		if n := r.syncer.Planner(r.folder.Name).LeftThere(); n != want {
			t.Errorf("%d are left there, want %d", n, want)
		}
	}
	left(0)
	r.gone("found", "a")
	r.thrice()
	left(1)
	if got := s.mirror(); got["found"] != "theirs" || got["a"] != "" {
		t.Errorf("the mirror has %q", got)
	}
	r.drop("found", "theirs")
	r.once()
	left(0)
}

// TestTheTrashIsEmptiedWithoutDeletes holds that what was put into the trash goes when its time is over although the folder removes
// nothing any more, and that a preview says so.
func TestTheTrashIsEmptiedWithoutDeletes(t *testing.T) {
	t.Parallel()
	r, s := removingRig(t)
	r.once()
	r.gone("a")
	r.thrice()
	if got := s.trash(); !slices.Equal(got, []string{"a"}) {
		t.Fatalf("in the trash: %q", got)
	}
	r.folder.Deletes = false
	r.drop("b", "new")
	r.once()
	r.gone("b")
	r.once()
	if got := s.trash(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("in the trash before its time is over: %q", got)
	}
	r.folder.TrashKeep = 0
	told, _ := r.preview(nil, r.entries())
	if !slices.Equal(told, []string{"a: delete expired"}) {
		t.Errorf("a preview tells %q", told)
	}
	r.once()
	if got := s.trash(); len(got) != 0 {
		t.Errorf("in the trash: %q", got)
	}
	if got := s.mirror(); got["b"] != "new" || got["stays"] != "x" {
		t.Errorf("the mirror lost files: %q", got)
	}
}
