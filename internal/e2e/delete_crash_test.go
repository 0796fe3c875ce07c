package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// killed runs `once` and expects it to be killed at a point.
func (r *rig) killed(point string) {
	r.t.Helper()
	env := r.env
	r.env = append(slices.Clip(env), "DROPFERRY_CRASH="+point)
	got := r.run("once")
	r.env = env
	if got.code != -1 {
		r.t.Fatalf("crash at %s: exit code %d\n%s", point, got.code, got.stderr)
	}
}

// TestCrashWhileRemoving kills the agent at each step of a removal, to the trash and at once: the next run ends it, the
// file is in the trash once, and there is one record of it. Nothing of it depends on where the file came to.
func TestCrashWhileRemoving(t *testing.T) {
	t.Parallel()
	for i, point := range []string{"removal-planned", "removal-begun", "removal-done", "removal-recorded", "removal-done:2"} {
		for _, trash := range drawnOf(i) {
			name := "at once/" + point
			lines := deleting + "\ntrash = \"\""
			if trash {
				name, lines = "trash/"+point, deleting
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, lines)
				r.drop("stays.txt", "stays")
				r.drop("a.txt", "a")
				r.drop("sub/b.txt", "b")
				r.deliver(3)
				r.lose("a.txt", "sub")
				r.miss(0)
				r.killed(point)
				wantRemovalPlan(t, r, point)
				r.removing(0)
				want := map[string]string{"stays.txt": "stays"}
				if trash {
					want[".trash/TIME/a.txt"], want[".trash/TIME/sub/b.txt"] = "a", "b"
				}
				r.wantCopy(want)
				for _, path := range []string{"a.txt", "sub/b.txt"} {
					if e := r.explain(r.outbox + "/" + path); e.State != "removed" || trash != strings.Contains(e.Reason, ".trash/") {
						t.Errorf("explain %s: %+v", path, e)
					}
				}
				wantPlan(t, r.plan(0))
				if all, _ := r.removing(0); len(all) != 0 {
					t.Errorf("a further run did %+v", all)
				}
				// What has been removed is a new file when it comes again.
				r.drop("a.txt", "a")
				r.deliver(1)
			})
		}
	}
}

// wantRemovalPlan looks at the plan between a crash and the recovery: it must not fail on what it finds.
func wantRemovalPlan(t *testing.T, r *rig, point string) {
	t.Helper()
	for _, o := range r.plan(0).Operations {
		if o.Op == "hold" || o.Op == "keep" {
			t.Errorf("after %s the plan says %+v", point, o)
		}
	}
}

// TestCrashBeforeTheFileCameBack: what was removed when the process died is sent again, and recorded as removed once.
func TestCrashBeforeTheFileCameBack(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"removal-begun", "removal-done"} {
		for _, content := range []string{"a", "another"} {
			t.Run(point+"/"+content, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, deleting)
				r.drop("stays.txt", "stays")
				r.drop("a.txt", "a")
				r.deliver(2)
				r.lose("a.txt")
				r.miss(0)
				r.killed(point)
				r.drop("a.txt", content)
				r.removing(0)
				r.removing(0) // what was found to be gone is sent now
				got := tree(t, r.inbox("copy"))
				if got["a.txt"] != content {
					t.Errorf("the mirror holds %q", got)
				}
				eventually(t, "nothing is left to do", 10*time.Second, func() bool { return r.planIsEmpty() })
			})
		}
	}
}

// TestCrashWhileTheTrashIsEmptied ends it in the next run.
func TestCrashWhileTheTrashIsEmptied(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"expiry-begun", "expired"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, deleting)
			r.outboxTo(r.acme(), deleting+"\ntrash_keep = \"1s\"")
			r.drop("stays.txt", "stays")
			r.drop("a.txt", "a")
			r.deliver(2)
			r.lose("a.txt")
			r.miss(0)
			r.removing(0)
			eventually(t, "the trash is due", 10*time.Second, func() bool { return len(r.plan(0).Operations) == 1 })
			r.killed(point)
			all, _ := r.removing(0)
			wantKinds(t, all, map[string]int{"removed": 1})
			if _, err := os.Stat(r.inbox("copy/.trash")); err == nil {
				t.Error("the trash is still there")
			}
			wantPlan(t, r.plan(0))
		})
	}
}

// TestHaltSurvivesAKill: it is on record before anybody is told.
func TestHaltSurvivesAKill(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	r.deliver(1)
	r.lose("a.txt")
	r.miss(0)
	r.killed("halted")
	if h := r.haltOf(); h == nil || h.Reason != "emptied" {
		t.Fatalf("halt: %+v", h)
	}
	all, summary := r.removing(3)
	if kinds(all)["halted"] != 1 || summary.Halted != 1 {
		t.Errorf("events: %+v", all)
	}
	a := r.start()
	a.wait("folder halted: a person has to decide")
	r.drop("b.txt", "b")
	eventually(t, "it is told why b.txt waits", 10*time.Second, func() bool { return r.explain(r.outbox+"/b.txt").State == "halted" })
	a.kill()
	r.wantCopy(map[string]string{"a.txt": "a"})
}
