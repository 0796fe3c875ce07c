package syncer

import (
	"os"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// TestAFileThatLeavesWhileItIsPublished is looked at again when the destination has it: the scan that has missed it could not
// know.
func TestAFileThatLeavesWhileItIsPublished(t *testing.T) {
	r := newRig(t)
	s := r.toFake()
	r.mirrors("")
	hints := make(chan file.Path, 10)
	r.folder.Hint = func(p file.Path) { hints <- p }
	s.setRefuse(func(op, name string, _ func()) error {
		if op == "rename" && name == "in/a" {
			_ = os.Remove(r.source("a"))
			r.scan()
		}
		return nil
	})
	r.drop("stays", "x")
	r.drop("a", "old")
	r.deliver("a")
	select {
	case p := <-hints:
		if p != "a" {
			t.Errorf("%q is to be looked at", p)
		}
	case <-time.After(waitLimit):
		t.Fatal("nobody is to look for it again")
	}
	r.quiet(s)
}

// TestTheTrashIsEmptiedInTime holds that nothing but the planner's own wishes for a scan is needed for a removal, from the file's
// leaving to the end of its time in the trash.
func TestTheTrashIsEmptiedInTime(t *testing.T) {
	r, s := removingRig(t)
	r.folder.TrashKeep = 300 * time.Millisecond
	wanted := make(chan struct{}, 1)
	r.folder.Rescan = func() {
		select {
		case wanted <- struct{}{}:
		default:
		}
	}
	r.deliver("stays", "a")
	r.gone("a")
	r.scan()
	trashed := false
	for deadline := time.After(waitLimit); !trashed || len(s.trash()) > 0; {
		trashed = trashed || len(s.trash()) > 0
		select {
		case <-wanted:
			r.scan()
		case <-time.After(10 * time.Millisecond):
		case <-deadline:
			t.Fatalf("in the trash: %q, planned: %q", s.trash(), r.operations())
		}
	}
}
