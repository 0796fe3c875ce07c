package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestPause keeps what is dropped until the route, the destination or the folder is resumed, across restarts.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"folder:outbox", "destination:acme", "outbox/acme"} {
		t.Run(strings.ReplaceAll(target, "/", " "), func(t *testing.T) {
			bothWays(t, func(t *testing.T, w *way) {
				w.with(newRig(t, `to = ["acme:in"]`))
				w.drop("before.txt", "before")
				w.arrives(0, "in/before.txt", "before")
				if o := w.command("pause", target); o.Count != 1 || len(o.Pauses) != 1 || o.Target != target || o.Command != "pause" {
					t.Errorf("pause: %+v", o)
				}
				if o := w.command("pause", target); o.Count != 0 || len(o.Pauses) != 1 {
					t.Errorf("pause again: %+v", o)
				}
				contains(t, w.expect(0, "pause", target).stdout, target+" was paused before", target+" is paused since ")

				w.drop("a.txt", "a")
				w.becomes(3, "a.txt", "paused")
				if w.running { // a pause survives the agent
					w.agent.kill()
					w.agent = w.watching()
					w.becomes(3, "a.txt", "paused")
				}
				e := w.explain(w.file("a.txt"))
				contains(t, e.Reason, "paused since 20", "dropferry resume "+target)
				p := w.plan(0)
				if len(p.Operations) == 0 || p.Operations[0].Path != "a.txt" || p.Operations[0].Op != "hold" || p.Operations[0].Reason != "paused" || !strings.Contains(p.Operations[0].Detail, "paused since 20") {
					t.Errorf("plan: %+v", p)
				}
				contains(t, w.expect(0, "status").stdout, "paused since ")
				wantTree(t, w.sshd.Dir, map[string]string{"in/before.txt": "before"})

				if o := w.command("resume", target); o.Count != 1 || len(o.Pauses) != 0 {
					t.Errorf("resume: %+v", o)
				}
				w.arrives(0, "in/a.txt", "a")
				contains(t, w.expect(0, "resume", target).stdout, target+" is not paused")
				lacks(t, w.expect(0, "status").stdout, "paused")
			})
		})
	}
}

// TestPauseOfOne keeps one version of one file, while the others go on, across restarts; a newer version is sent.
func TestPauseOfOne(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, `to = ["acme:in"]`))
		w.command("pause", "outbox/acme")
		w.drop("a.txt", "a")
		w.drop("b.txt", "b")
		id := w.becomes(3, "a.txt", "paused")
		if o := w.command("pause", id); o.Count != 1 || len(o.Pauses) != 2 || o.Pauses[0].ID != id || o.Pauses[1].ID != "" {
			t.Errorf("pause: %+v", o)
		}
		contains(t, w.expect(0, "pause", id).stdout, id+" was paused before", id+" is paused since ")
		w.command("resume", "outbox/acme")
		w.arrives(3, "in/b.txt", "b")
		w.until(3, "its receipt", func() bool { return len(w.history()) == 1 })
		if w.running { // a pause survives the agent
			w.agent.kill()
			w.agent = w.watching()
		}
		w.becomes(3, "a.txt", "paused")
		contains(t, w.explain(w.file("a.txt")).Reason, "paused since 20", "dropferry resume "+id)
		contains(t, w.expect(0, "status").stdout, id+" on route outbox/acme: paused since ")
		held := 0 // the other was written so late that it may have to be compared once more
		for _, o := range w.plan(0).Operations {
			switch {
			case o.Path == "a.txt" && o.Op == "hold" && o.Reason == "paused":
				held++
			case o.Path == "a.txt" || o.Reason != "changed":
				t.Errorf("plan: %+v", o)
			}
		}
		if held != 1 {
			t.Errorf("%d operations are held", held)
		}
		if !w.running {
			all, summary := w.once(3)
			if summary.Paused != 1 || summary.Failed != 0 {
				t.Errorf("summary: %+v", summary)
			}
			told := false
			for _, e := range all {
				told = told || e.Type == "paused" && strings.Contains(e.Reason, id+" is paused since 20")
			}
			if !told {
				t.Errorf("events: %+v", all)
			}
		}
		wantTree(t, w.sshd.Dir, map[string]string{"in/b.txt": "b"})

		if o := w.command("resume", id); o.Count != 1 || len(o.Pauses) != 0 {
			t.Errorf("resume: %+v", o)
		}
		w.arrives(0, "in/a.txt", "a")
		w.until(0, "a receipt", func() bool { return len(w.history()) == 2 })
		w.refused(1, []string{"is delivered already"}, "pause", id)

		w.command("pause", "outbox/acme")
		w.drop("a.txt", "changed")
		w.until(3, "it is planned", func() bool { i := w.explain(w.file("a.txt")); return i.State == "paused" && i.Routes[0].ID != id })
		w.command("pause", w.explain(w.file("a.txt")).Routes[0].ID)
		w.drop("a.txt", "changed again")
		w.command("resume", "outbox/acme")
		w.arrives(0, "in/a.txt", "changed again")
	})
}

// TestOnceHeedsPauses reports what is left, and says why.
func TestOnceHeedsPauses(t *testing.T) {
	t.Parallel()
	r, second := twoRig(t, "")
	r.expect(0, "pause", "outbox/second")
	r.drop("a.txt", "a")
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Failed != 0 || summary.Paused != 1 {
		t.Errorf("summary: %+v", summary)
	}
	told := false
	for _, e := range all {
		told = told || e.Type == "paused" && e.Destination == "second" && strings.Contains(e.Reason, "1 not sent: outbox/second is paused since 20")
	}
	if !told {
		t.Errorf("events: %+v", all)
	}
	text := r.expect(3, "once").text()
	contains(t, text, "1 not delivered, since they are paused", "outbox/second is paused since")
	contains(t, r.expect(0, "status").stdout, "route outbox/second: paused since ")
	wantTree(t, second.Dir, map[string]string{})

	// A pause of the whole stands beside one of a part.
	r.expect(0, "pause", "folder:outbox")
	contains(t, r.expect(0, "resume", "outbox/second").stdout, "outbox/second: resumed; still:", "folder:outbox is paused since")
	if _, summary := r.once(3); summary.Paused == 0 || summary.Delivered != 0 {
		t.Errorf("summary: %+v", summary)
	}
	r.expect(0, "resume", "folder:outbox")
	r.deliver(1)
}

// TestPauseWhileFilesAreUnderWay lets the one under way end and begins no other.
func TestPauseWhileFilesAreUnderWay(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 1<<20, patient, `to = ["acme:in"]`)
	a := r.watching()
	r.drop("large.bin", noise(3<<20))
	eventually(t, "the upload is under way", 15*time.Second, func() bool { return len(r.status().Transfers) == 1 })
	r.expect(0, "pause", "destination:acme")
	r.drop("later.txt", "later")
	wire.SetRate(0)
	a.wait("msg=delivered")
	eventually(t, "the other waits", 10*time.Second, func() bool { return r.explain(r.at("outbox/later.txt")).State == "paused" })
	wantTree(t, r.sshd.Dir, map[string]string{"in/large.bin": noise(3 << 20)})
	if s := r.status(); s.Destinations[0].State != "paused" || s.Destinations[0].Queued != 1 || len(s.Pauses) != 1 {
		t.Errorf("status: %+v", s)
	}
	r.expect(0, "resume", "destination:acme")
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"in/large.bin": noise(3 << 20), "in/later.txt": "later"})
}
