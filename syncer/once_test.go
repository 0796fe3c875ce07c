package syncer

import (
	"os"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/watcher"
)

// TestOnceGoesOnAfterARemoval holds that what waits for the name of something that has left the folder is sent in the run that takes that
// away, and not in the next one.
func TestOnceGoesOnAfterARemoval(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ before, after string }{
		"a file makes way for a directory": {"x", "x/a"},
		"a directory makes way for a file": {"x/a", "x"},
		"deeper":                           {"x/y", "x/y/z/a"},
		"deeper, the other way":            {"x/y/z/a", "x/y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.to("acme", sftptest.ServerOptions{})
			r.mirrors("")
			r.drop("stays", "x")
			r.drop(row.before, "one")
			r.once()
			r.must(os.RemoveAll(r.source("x")))
			r.drop(row.after, "another")
			r.once() // it is missed for the first time
			tried := r.events.count(EventFailed)
			entries := r.entries()
			r.onceAs(func(yield func(watcher.Entry) bool) {
				if tried > 0 { // what was planned by then is tried before anything can be removed
					r.eventually("it is tried", func() bool { return r.events.count(EventFailed) > tried })
				}
				slices.Values(entries)(yield)
			})
			r.wantInbox("acme", map[string]string{"stays": "x", row.after: "another"})
			if left := r.operations(); len(left) > 0 {
				t.Errorf("left to be done: %q", left)
			}
		})
	}
}
