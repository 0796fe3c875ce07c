package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// settled is the rig's quiet time; soon is what the agent promises beyond it.
const (
	settled = 200 * time.Millisecond
	soon    = settled + 2*time.Second
)

// TestRunDeliversAtOnce drops files while the agent watches, and counts its logins: the session stays warm.
func TestRunDeliversAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("before.txt", "was there at the start")
	want := map[string]string{"before.txt": "was there at the start"}
	a := r.watching()
	awaitTree(t, r.inbox(""), 10*time.Second, map[string]string{"in/before.txt": "was there at the start"})
	for _, name := range []string{"first.txt", "new/nested/deep/second.txt", "new/nested/third.txt", "other/fourth.txt"} {
		r.drop(name, name)
		want[name] = name
		awaitTree(t, r.inbox("in"), soon, want)
	}
	r.drop("first.txt", "changed")
	want["first.txt"] = "changed"
	awaitTree(t, r.inbox("in"), soon, want)

	// A file that is moved in is complete at once, as is a whole directory.
	r.write(r.at("made/elsewhere/fifth.txt"), "moved in")
	if err := os.Rename(r.at("made"), filepath.Join(r.outbox, "made")); err != nil {
		t.Fatal(err)
	}
	want["made/elsewhere/fifth.txt"] = "moved in"
	awaitTree(t, r.inbox("in"), soon, want)
	if n := lines(r.sshd.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.deliver(0)
}

// TestRunTakesABurst delivers 2,000 files that come at once.
func TestRunTakesABurst(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	a := r.watching()
	const burst = 800
	want := map[string]string{}
	for i := range burst {
		name := fmt.Sprintf("d%02d/f%04d.txt", i%50, i)
		want[name] = fmt.Sprint(i)
		r.drop(name, want[name])
	}
	eventually(t, "all are there", 60*time.Second, func() bool { return strings.Count(a.text(), "msg=delivered") >= burst })
	wantTree(t, r.inbox("in"), want)
	if n := lines(r.sshd.Log(), "Accepted publickey"); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
	r.quiet()
	s := r.status()
	if len(s.Folders) != 1 || s.Folders[0].Ready != 0 || s.Destinations[0].Queued != 0 || s.Destinations[0].Active != 0 {
		t.Errorf("status: %+v", s)
	}
	if n := len(r.history()); n != burst {
		t.Errorf("%d receipts", n)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestRunWaitsForItsFolder starts without the folder, and loses it later.
func TestRunWaitsForItsFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	if err := os.Remove(r.outbox); err != nil {
		t.Fatal(err)
	}
	a := r.start()
	a.wait("does not exist. Waiting until it appears; nothing is taken for gone.")
	if f := r.status().Folders[0]; f.State != "waiting" || !strings.Contains(f.Reason, "does not exist") {
		t.Errorf("status: %+v", f)
	}
	r.drop("a.txt", "a")
	awaitTree(t, r.sshd.Dir, 15*time.Second, map[string]string{"in/a.txt": "a"})
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestRunLogsForMachines writes the log as JSON where that is asked for, and less or more of it.
func TestRunLogsForMachines(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	text := r.acme() + r.folder("outbox", r.outbox, `to = ["acme:in"]`)
	r.configure(text + "[log]\nformat = \"json\"\nlevel = \"debug\"\n")
	r.drop("a.txt", "a")
	got := r.expect(0, "once")
	found := false
	for line := range strings.Lines(got.stderr) {
		entry := decode[map[string]any](t, line)
		found = found || entry["msg"] == "delivered" && entry["path"] == "a.txt" && entry["destination"] == "acme"
	}
	if !found {
		t.Errorf("no delivery in the log:\n%s", got.stderr)
	}
	r.configure(text)
	r.drop("b.txt", "b")
	lacks(t, r.expect(0, "once", "-q").stderr, "delivered")
	r.drop("c.txt", "c")
	contains(t, r.expect(0, "once", "-v").stderr, "level=DEBUG", "planned")
}
