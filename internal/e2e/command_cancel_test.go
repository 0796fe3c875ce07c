package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCancel does not send a version, through scans, restarts and changes of its attributes, and sends the next.
func TestCancel(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		id := w.held(t, "")
		if o := w.command("cancel", id); o.Count != 1 || o.Committing != 0 {
			t.Errorf("cancel: %+v", o)
		}
		if e := w.explain(w.file("a.txt")); e.State != "cancelled" {
			t.Errorf("explain: %+v", e)
		}
		if err := os.Remove(w.inbox("in/a.txt")); err != nil {
			t.Fatal(err)
		}
		w.still(0, "a.txt", "cancelled")
		if err := os.Chmod(w.file("a.txt"), 0o644); err != nil {
			t.Fatal(err)
		}
		if w.running {
			w.agent.kill()
			w.agent = w.watching()
		}
		w.still(0, "a.txt", "cancelled")
		eventually(t, "nothing is left to do", 10*time.Second, func() bool { s := w.status().Folders[0]; return s.Held == 0 && s.Ready == 0 })
		w.refused(1, []string{id + " is cancelled"}, "cancel", id)
		w.refused(1, []string{id + " is cancelled"}, "retry", id)
		w.drop("a.txt", "ours, changed")
		w.arrives(0, "in/a.txt", "ours, changed")
	})
}

// TestCancelOfOneDestination leaves the source where it is, for good.
func TestCancelOfOneDestination(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		r, second := twoRig(t, "after = \"archive\"\narchive = \"archive\"\n")
		second.Stop()
		w.with(r)
		w.drop("a.txt", "a")
		w.arrives(3, "in/a.txt", "a")
		if o := w.command("cancel", "outbox/second"); o.Count != 1 {
			t.Errorf("cancel: %+v", o)
		}
		second.Start()
		w.still(0, "a.txt", "cancelled")
		if w.running {
			w.agent.kill()
			w.agent = w.watching()
		}
		w.still(0, "a.txt", "cancelled")
		if content, err := os.ReadFile(w.file("a.txt")); err != nil || string(content) != "a" {
			t.Errorf("the source: %q, %v", content, err)
		}
		if _, there := tree(t, w.mkdir("archive"))["a.txt"]; there {
			t.Error("it was archived")
		}
		// The next version goes to both, and away.
		w.drop("a.txt", "the next")
		w.until(0, "the next version is archived", func() bool { return tree(t, w.archive)["a.txt"] == "the next" })
		if got := tree(t, second.Dir)[time.Now().UTC().Format("2006")+"/a.txt"]; got != "the next" {
			t.Errorf("the second has %q", got)
		}
	})
}

// TestCancelWhileItIsSent ends an upload without a trace at the server.
func TestCancelWhileItIsSent(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 1<<20, patient, `to = ["acme:in"]`)
	r.watching()
	r.drop("large.bin", noise(4<<20))
	eventually(t, "the upload is under way", 15*time.Second, func() bool { return len(r.status().Transfers) == 1 })
	r.expect(0, "cancel", "folder:outbox")
	wire.SetRate(0)
	awaitTree(t, r.sshd.Dir, 15*time.Second, map[string]string{})
	if e := r.explain(filepath.Join(r.outbox, "large.bin")); e.State != "cancelled" {
		t.Errorf("explain: %+v", e)
	}
	contains(t, r.expect(0, "cancel", "folder:outbox").stdout, "there is nothing to cancel")
}
