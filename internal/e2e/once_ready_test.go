package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOnceSendsEachVersionOnce changes, touches and rewrites a delivered file.
func TestOnceSendsEachVersionOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("a.txt", "one")
	r.drop("b.txt", "never changes")
	r.deliver(2)
	r.deliver(0)

	r.drop("a.txt", "two, and longer")
	all, summary := r.once(0)
	if summary.Delivered != 1 || summary.Bytes != 15 || len(all) != 1 || all[0].Reason != "changed" || all[0].Path != "a.txt" {
		t.Errorf("a changed file: %+v %+v", all, summary)
	}
	wantTree(t, r.inbox("in"), map[string]string{"a.txt": "two, and longer", "b.txt": "never changes"})

	for _, name := range []string{"a.txt", "b.txt"} { // a touch changes the time and nothing else
		age(t, filepath.Join(r.outbox, name), time.Hour)
	}
	r.deliver(0)
	r.drop("a.txt", "two, and longer") // written anew with the same bytes
	r.deliver(0)
	r.drop("a.txt", "TWO, AND LONGER") // other bytes of the same size
	r.deliver(1)
	wantTree(t, r.inbox("in"), map[string]string{"a.txt": "TWO, AND LONGER", "b.txt": "never changes"})
	if n := len(r.history()); n != 4 {
		t.Errorf("%d receipts, want 4", n)
	}
}

// TestOnceReplacesItsOwnFileThoughItsTimeHasChanged holds that a partner who touches our file does not make it his.
func TestOnceReplacesItsOwnFileThoughItsTimeHasChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.drop("a.txt", "one")
	r.deliver(1)
	age(t, r.inbox("a.txt"), 48*time.Hour)
	r.drop("a.txt", "two")
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "two"})
}

// TestOnceNeverTouchesSomebodyElsesFile holds what stands in the way, and says so until a person acts.
func TestOnceNeverTouchesSomebodyElsesFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	theirs := map[string]string{"a.txt": "theirs", "same-size.txt": "theirs", "dir.txt/x": "in a directory"}
	for name, content := range theirs {
		r.write(r.inbox("in/"+name), content)
		age(t, r.inbox("in/"+name), time.Hour)
	}
	r.drop("a.txt", "ours, longer than theirs")
	r.drop("same-size.txt", "ours!!")
	r.drop("dir.txt", "a file")
	r.drop("free.txt", "free")
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Held != 3 || summary.Failed != 0 {
		t.Errorf("summary: %+v", summary)
	}
	for _, e := range all {
		if e.Type == "held" && (!strings.Contains(e.Error, "did not put there") || e.RemotePath != r.inbox("in/"+e.Path)) {
			t.Errorf("held: %+v", e)
		}
	}
	want := map[string]string{"free.txt": "free"}
	maps.Copy(want, theirs)
	wantTree(t, r.inbox("in"), want)
	if n := names(t, r.inbox("in")); len(n) != 5 {
		t.Errorf("left behind: %q", n)
	}
	// Held stays held.
	contains(t, r.expect(3, "once").stdout, "0 delivered", "3 held")
	wantTree(t, r.inbox("in"), want)
	// What we have delivered and somebody has replaced is not ours any more.
	r.write(r.inbox("in/free.txt"), "replaced by them")
	r.drop("free.txt", "our next")
	if _, summary := r.once(3); summary.Held != 4 {
		t.Errorf("summary: %+v", summary)
	}
	want["free.txt"] = "replaced by them"
	wantTree(t, r.inbox("in"), want)
}

// TestOnceWaitsForFilesAtMostTwice sends what settles in time, and names what does not.
func TestOnceWaitsForFilesAtMostTwice(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.drop("quiet.txt", "quiet")
	open, err := os.Create(filepath.Join(r.outbox, "growing.txt"))
	if err != nil {
		t.Fatal(err)
	}
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			_, _ = open.WriteString("more\n") // a full disk would end the test otherwise
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	stop := func() {
		close(end)
		<-done
		if err := open.Close(); err != nil {
			t.Error(err)
		}
	}
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Unsettled != 1 || summary.Failed != 0 {
		t.Errorf("summary: %+v", summary)
	}
	if !slices.ContainsFunc(all, func(e eventJSON) bool { return e.Type == "waiting" && e.Path == "growing.txt" && e.Reason != "" }) {
		t.Errorf("nothing is said of the file: %+v", all)
	}
	contains(t, r.expect(3, "once").text(), "growing.txt", "1 still changing")
	wantTree(t, r.sshd.Dir, map[string]string{"quiet.txt": "quiet"})
	stop()
	r.deliver(1)
}

func TestOnceOfOneFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	second := r.mkdir("second")
	r.configure(r.acme() + r.folder("outbox", r.outbox, `to = ["acme:in"]`) + r.folder("second", second, `to = ["acme:second"]`))
	r.drop("a.txt", "a")
	r.write(filepath.Join(second, "b.txt"), "b")
	if _, summary := r.once(0, "--folder", "second"); summary.Delivered != 1 {
		t.Errorf("summary: %+v", summary)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"second/b.txt": "b"})
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"second/b.txt": "b", "in/a.txt": "a"})
}

// TestOnceWithAFolderThatIsAway says so, and delivers the others.
func TestOnceWithAFolderThatIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.configure(r.acme() + r.folder("away", r.at("away"), `to = ["acme:away"]`) + r.folder("outbox", r.outbox, `to = ["acme:in"]`))
	r.drop("a.txt", "a")
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Unread != 1 || summary.Failed != 0 {
		t.Errorf("summary: %+v", summary)
	}
	if !slices.ContainsFunc(all, func(e eventJSON) bool {
		return e.Type == "unread" && e.Folder == "away" && strings.Contains(e.Error, "no such file")
	}) {
		t.Errorf("events: %+v", all)
	}
	contains(t, r.expect(3, "once").text(), "away", "no such file or directory", "1 places unreadable")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a"})
	r.mkdir("away")
	r.deliver(0)
}

// TestOnceWithEmptyFolders has nothing to do, and makes nothing at the destination.
func TestOnceWithEmptyFolders(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	if err := os.MkdirAll(filepath.Join(r.outbox, "empty/within/empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	contains(t, r.expect(0, "once").stdout, "0 delivered, 0 B in ")
	if got := names(t, r.sshd.Dir); len(got) != 0 {
		t.Errorf("made: %q", got)
	}
	if strings.Contains(r.sshd.Log(), "Accepted publickey") {
		t.Error("a connection was made for nothing")
	}
}

// TestOnceTellsEachDelivery checks the JSON lines that scripts read.
func TestOnceTellsEachDelivery(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:in\"]")
	r.drop("sub/a.txt", "hello")
	r.drop("bad\xff.txt", "b")
	all, summary := r.once(0)
	if summary.Delivered != 2 || summary.Bytes != 6 || summary.Seconds <= 0 {
		t.Errorf("summary: %+v", summary)
	}
	seen := map[string]int{}
	for _, e := range all {
		seen[e.Type]++
		if e.Type != "delivered" {
			continue
		}
		d := e.Receipt
		if e.ID == "" || e.At.IsZero() || e.Folder != "outbox" || e.Destination != "acme" || d == nil || d.ID != e.ID || d.HostKey != r.sshd.Fingerprints[0] ||
			len(d.SHA256) != 64 || d.Evidence != "read-back" || d.Command != "" || d.Attempts != 1 || d.StartedAt.After(d.DeliveredAt) {
			t.Errorf("delivered: %+v", e)
		}
		if strings.HasPrefix(e.Path, "bad") && (string(e.PathB64) != "bad\xff.txt" || string(d.PathB64) != "bad\xff.txt") {
			t.Errorf("a name that is no UTF-8: %q, %q", e.PathB64, d.PathB64)
		}
	}
	if seen["delivered"] != 2 || seen["archived"] != 2 {
		t.Errorf("events: %v", seen)
	}
}
