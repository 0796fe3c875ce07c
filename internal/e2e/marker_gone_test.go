package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDeliveredFilesNeedNoMarkerAgain takes markers away that have done their work, and asks for markers where there never were any: what
// is delivered stays delivered, a file that goes last does not wait for it, and a changed file needs its marker as ever.
func TestDeliveredFilesNeedNoMarkerAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("before.xml", "delivered when no marker was wanted")
	r.deliver(1)
	r.outboxTo(r.acme(), "ready = \"marker\"\nmarker = \"{name}.done\"\nlast = [\"MANIFEST\"]\nsequential = true\nto = [\"acme:in\"]")
	delivered := func(names ...string) {
		t.Helper()
		for _, name := range names {
			e := r.explain(filepath.Join(r.outbox, name))
			if e.State != "delivered" || e.Routes[0].State != "delivered" {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
	delivered("before.xml")
	r.deliver(0)
	delivered("before.xml")

	r.drop("a.xml", "a")
	r.drop("a.xml.done", "")
	r.deliver(1)
	if err := os.Remove(filepath.Join(r.outbox, "a.xml.done")); err != nil {
		t.Fatal(err)
	}
	r.drop("MANIFEST", "a trigger beside files without markers")
	r.drop("MANIFEST.done", "")
	w := r.watching()
	eventually(t, "the trigger is delivered", 20*time.Second, func() bool { return len(r.history()) == 3 })
	if f := r.status().Folders[0]; f.Settling != 0 {
		t.Errorf("%d files are settling", f.Settling)
	}
	delivered("before.xml", "a.xml", "MANIFEST")
	w.stop()
	r.deliver(0)

	r.drop("before.xml", "changed, and so it is another version")
	if _, summary := r.once(3); summary.Unsettled != 1 || summary.Delivered != 0 {
		t.Errorf("summary: %+v", summary)
	}
	if e := r.explain(filepath.Join(r.outbox, "before.xml")); e.State != "settling" {
		t.Errorf("changed: %+v", e)
	}
	r.drop("before.xml.done", "")
	r.deliver(1)
}
