package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// age gives a file of the folder another modification time.
func (r *rig) age(name string, at time.Time) {
	r.t.Helper()
	if err := os.Chtimes(filepath.Join(r.outbox, name), at, at); err != nil {
		r.t.Fatal(err)
	}
}

// TestFilesFromTheFuture are sent like others, once, and the server gets their times.
func TestFilesFromTheFuture(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	tomorrow := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	r.drop("a.txt", "a")
	r.age("a.txt", tomorrow)
	r.deliver(1)
	info, err := os.Stat(r.inbox("in/a.txt"))
	if err != nil || !info.ModTime().Equal(tomorrow) {
		t.Errorf("the server has %v, %v, want %v", info, err, tomorrow)
	}
	if _, summary := r.once(0); summary.Delivered != 0 {
		t.Errorf("it was sent again: %+v", summary)
	}
	wantPlan(t, r.plan(0))
}

// TestMarkersAndClocks is what docs/guides/trigger-files.md says of times to come: a marker has to be as late as its file, and one that is later
// counts.
func TestMarkersAndClocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, "ready = \"marker\"\nmarker = \"{name}.done\"\nto = [\"acme:in\"]")
	tomorrow := time.Now().Add(24 * time.Hour)
	for _, name := range []string{"late.xml", "late.xml.done", "marked.xml", "marked.xml.done"} {
		r.drop(name, name)
	}
	r.age("late.xml", tomorrow)
	r.age("marked.xml.done", tomorrow)
	r.once(3)
	wantTree(t, r.inbox("in"), map[string]string{"marked.xml": "marked.xml"})
	contains(t, r.explain(filepath.Join(r.outbox, "late.xml")).Reason, "late.xml.done", "older than the file")
	r.age("late.xml.done", tomorrow) // touch -r
	r.once(0)
	wantTree(t, r.inbox("in"), map[string]string{"marked.xml": "marked.xml", "late.xml": "late.xml"})
}
