package e2e

import (
	"maps"
	"os"
	"testing"
)

// TestResendFromTheSource makes a delivery again, as long as the source is what was delivered.
func TestResendFromTheSource(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, `to = ["acme:in"]`))
		w.drop("a.txt", "a")
		w.arrives(0, "in/a.txt", "a")
		w.until(0, "a receipt", func() bool { return len(w.history()) == 1 })
		first := w.history()[0]
		if err := os.Remove(w.inbox("in/a.txt")); err != nil {
			t.Fatal(err)
		}
		o := w.command("resend", first.ID)
		if o.Count != 1 || o.ID == "" || o.ID == first.ID || o.Source != w.file("a.txt") || o.RemotePath != first.RemotePath {
			t.Errorf("resend: %+v", o)
		}
		w.arrives(0, "in/a.txt", "a")
		w.until(0, "two receipts", func() bool { return len(w.history()) == 2 })
		if h := w.history(); h[0].ID != o.ID || h[1].ID != first.ID || h[0].SHA256 != h[1].SHA256 {
			t.Errorf("history: %+v", h)
		}
		w.expect(0, "resend", first.ID) // over our own
		w.until(0, "three receipts", func() bool { return len(w.history()) == 3 })
		w.still(0, "a.txt", "delivered")

		w.drop("a.txt", "b")
		w.arrives(0, "in/a.txt", "b")
		w.refused(1, []string{first.ID + " cannot be sent again", "holds something else", "no archived copy is known"}, "resend", first.ID)
		if err := os.Remove(w.file("a.txt")); err != nil {
			t.Fatal(err)
		}
		w.refused(1, []string{"is gone"}, "resend", first.ID)
	})
}

// TestResendFromTheArchive sends the archived copy, which stays where it is.
func TestResendFromTheArchive(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:in\"]"))
		w.mkdir("archive")
		putAway := func() bool {
			return len(tree(t, w.outbox)) == 0 && (!w.running || lines(w.agent.text(), "msg=archived") == len(tree(t, w.archive)))
		}
		for _, content := range []string{"first", "the second"} { // the archive has to give the second a name of its own
			w.drop("a.txt", content)
			w.until(0, "it is put away", putAway)
		}
		archived := tree(t, w.archive)
		h := w.history()
		if len(archived) != 2 || len(h) != 2 {
			t.Fatalf("archive %q, history %+v", archived, h)
		}
		for i, content := range []string{"the second", "first"} {
			o := w.command("resend", h[i].ID)
			if archived[o.Source[len(w.archive)+1:]] != content {
				t.Errorf("resend: %+v", o)
			}
			w.arrives(0, "in/a.txt", content)
			w.until(0, "a receipt", func() bool { return len(w.history()) == 3+i })
		}
		w.expect(0, "plan")
		w.still(0, "a.txt", "delivered")
		for name, content := range archived {
			if got := tree(t, w.archive)[name]; got != content {
				t.Errorf("the archive holds %q as %s", got, name)
			}
		}

		// A new file of the same name has a story of its own.
		w.drop("a.txt", "the third")
		w.arrives(0, "in/a.txt", "the third")
		w.until(0, "it is put away", func() bool { return len(tree(t, w.outbox)) == 0 })
		w.write(w.archive+"/a.txt", "tampered with")
		w.refused(1, []string{"is gone", "archived copy", "holds something else"}, "resend", h[1].ID)
	})
}

// TestResendOnAPausedRoute waits, and plan shows it.
func TestResendOnAPausedRoute(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:in\"]")
	r.drop("a.txt", "a")
	r.deliver(1)
	r.expect(0, "pause", "outbox/acme")
	id := r.history()[0].ID
	contains(t, r.expect(0, "resend", id).stdout, "outbox/acme is paused since")
	r.refused(1, []string{"cannot be sent again now", "is about to be published"}, "resend", id)
	if p := r.plan(0); len(p.Operations) != 1 || p.Operations[0].Op != "hold" || p.Operations[0].Reason != "paused" {
		t.Errorf("plan: %+v", p)
	}
	if _, summary := r.once(3); summary.Paused != 1 {
		t.Errorf("summary: %+v", summary)
	}
	r.expect(0, "resume", "outbox/acme")
	if p := r.plan(0); len(p.Operations) != 1 || p.Operations[0].Op != "upload" || p.Operations[0].Reason != "resend" {
		t.Errorf("plan: %+v", p)
	}
	again := r.command("cancel", "folder:outbox")
	if again.Count != 1 {
		t.Errorf("cancel: %+v", again)
	}
	r.deliver(0)
	r.expect(0, "resend", id)
	r.deliver(1)
	wantTree(t, r.archive, map[string]string{"a.txt": "a"})
}

// TestResendSince makes the newest deliveries since a time again, and names those that cannot be.
func TestResendSince(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		w.with(newRig(t, `to = ["acme:in"]`))
		want := map[string]string{"in/a.txt": "a, again", "in/b.txt": "b", "in/c.txt": "c"}
		for n, f := range [][2]string{{"a.txt", "a"}, {"b.txt", "b"}, {"c.txt", "c"}, {"a.txt", "a, again"}} {
			w.drop(f[0], f[1])
			w.until(0, "a receipt", func() bool { return len(w.history()) == n+1 })
		}
		lose := func() {
			t.Helper()
			for name := range want {
				if err := os.Remove(w.inbox(name)); err != nil {
					t.Fatal(err)
				}
			}
		}
		type resent struct {
			Count   int
			Resent  []outcomeJSON
			Refused []struct{ ID, Error string }
		}
		lose()
		for _, target := range []string{"folder:outbox", "destination:acme", "outbox/acme"} {
			before := len(w.history())
			got := decode[resent](t, w.expect(0, "resend", target, "--since", "1h", "--json").stdout)
			if got.Count != 3 || len(got.Resent) != 3 || len(got.Refused) != 0 {
				t.Errorf("resend %s: %+v", target, got)
			}
			w.until(0, "the receipts", func() bool { return len(w.history()) == before+3 })
			wantTree(t, w.sshd.Dir, want)
			lose()
		}
		if got := decode[resent](t, w.expect(0, "resend", "folder:outbox", "--since", "2999-01-01", "--json").stdout); got.Count != 0 {
			t.Errorf("nothing was delivered since then: %+v", got)
		}
		if err := os.Remove(w.file("b.txt")); err != nil {
			t.Fatal(err)
		}
		delete(want, "in/b.txt")
		contains(t, w.expect(3, "resend", "folder:outbox", "--since", "1h").stdout, "2 files to be sent again", "not ", "b.txt", "is gone")
		w.until(0, "what can be sent", func() bool { return maps.Equal(tree(t, w.sshd.Dir), want) })
	})
}
