package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestExplainWhatStays says of a file that was found at the destination why it stays there, and of an empty directory why it cannot be made.
func TestExplainWhatStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, replaced(t, deleting, "100ms", "1h"))
	for _, dir := range []string{r.inbox("copy"), filepath.Join(r.outbox, "empty")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.write(r.inbox("copy/found.txt"), "same")
	r.write(r.inbox("copy/empty"), "a file of somebody else")
	r.drop("found.txt", "same")
	r.drop("b.txt", "b")
	r.once(3)
	e := r.explain(filepath.Join(r.outbox, "empty"))
	if e.State != "directory" || len(e.Routes) != 1 || e.Routes[0].LastError == "" {
		t.Errorf("explain: %+v", e)
	}
	contains(t, e.Reason, "acme: it is about to be made there", "a file stands where a directory is needed")
	r.lose("found.txt")
	r.once(3)
	e = r.explain(filepath.Join(r.outbox, "found.txt"))
	if e.State != "adopted" || len(e.Routes) != 1 || e.Routes[0].State != "adopted" {
		t.Errorf("explain: %+v", e)
	}
	contains(t, e.Reason, "has left the folder, and stays at the destination", "removes only what it has put there")
}

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
