package e2e

import (
	"path/filepath"
	"testing"
	"time"
)

// TestExplainWhatIsGoingToBeRemoved says when, as soon as a scan has missed the file, and that it is not while the folder is halted.
func TestExplainWhatIsGoingToBeRemoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, replaced(t, deleting, "100ms", "1h"))
	r.drop("a.txt", "a")
	r.drop("b.txt", "b")
	r.deliver(2)
	r.lose("a.txt")
	name := filepath.Join(r.outbox, "a.txt")
	r.once(0)
	for _, running := range []bool{false, true} {
		if running {
			r.watching()
		}
		e := r.explain(name)
		if e.State != "missing" || len(e.Routes) != 1 || e.Routes[0].State != "missing" {
			t.Fatalf("explain: %+v", e)
		}
		contains(t, e.Reason, "acme", "has left the folder", "is removed", "delete_delay")
	}
	r.drop("a.txt", "a")
	eventually(t, "it is back", 10*time.Second, func() bool { return r.explain(name).State == "delivered" })
}
