package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// held brings a file of the outbox to a conflict with one that the partner has put there.
func (w *way) held(t *testing.T, lines string) (id string) {
	t.Helper()
	r := newRig(t, lines+`to = ["acme:in"]`)
	r.write(r.inbox("in/a.txt"), "theirs")
	w.with(r)
	w.drop("a.txt", "ours, longer")
	return w.becomes(3, "a.txt", "held")
}

// TestRetryAfterTheConflictIsGone looks again, and only looks.
func TestRetryAfterTheConflictIsGone(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		id := w.held(t, "")
		contains(t, w.expect(0, "explain", w.file("a.txt")).stdout, "id "+id)
		if o := w.command("retry", id); o.Count != 1 || o.Released != 1 || o.Hastened != 0 {
			t.Errorf("retry: %+v", o)
		}
		if w.running {
			eventually(t, "it is held again", 10*time.Second, func() bool { return lines(w.agent.text(), "held: a person has to decide") == 2 })
		}
		w.becomes(3, "a.txt", "held")
		wantTree(t, w.sshd.Dir, map[string]string{"in/a.txt": "theirs"})

		if err := os.Remove(w.inbox("in/a.txt")); err != nil {
			t.Fatal(err)
		}
		contains(t, w.expect(0, "retry", "folder:outbox").stdout, "folder:outbox: 1 file freed")
		w.arrives(0, "in/a.txt", "ours, longer")
		w.refused(1, []string{id + " is delivered already", w.typed("resend " + id)}, "retry", id)
	})
}

// TestRetryOverwrite replaces their file, once, and not what comes there later.
func TestRetryOverwrite(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		id := w.held(t, "")
		if o := w.command("retry", id, "--overwrite"); o.Count != 1 {
			t.Errorf("retry: %+v", o)
		}
		w.arrives(0, "in/a.txt", "ours, longer")
		w.until(0, "a receipt", func() bool { return len(w.history()) == 1 })
		if h := w.history(); h[0].ID != id {
			t.Errorf("history: %+v", h)
		}
		wantTree(t, w.sshd.Dir, map[string]string{"in/a.txt": "ours, longer"})
		w.write(w.inbox("in/a.txt"), "theirs once more")
		w.drop("a.txt", "ours, the second")
		second := w.becomes(3, "a.txt", "held")
		if second == id {
			t.Error("the permission has outlived the delivery")
		}
		wantTree(t, w.sshd.Dir, map[string]string{"in/a.txt": "theirs once more"})
	})
}

// TestOverwriteReplacesNoDirectory holds what no permission makes possible.
func TestOverwriteReplacesNoDirectory(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.write(r.inbox("in/a.txt/theirs"), "theirs")
	r.drop("a.txt", "a")
	r.once(3)
	r.expect(0, "retry", "folder:outbox", "--overwrite")
	if _, summary := r.once(3); summary.Held != 1 {
		t.Errorf("summary: %+v", summary)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt/theirs": "theirs"})
}

// TestRetryKeepBoth publishes beside their file, as the same delivery.
func TestRetryKeepBoth(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		id := w.held(t, "after = \"archive\"\narchive = \"archive\"\n")
		o := w.command("retry", "outbox/acme", "--keep-both")
		if o.Count != 1 || len(o.Renamed) != 1 || o.Renamed[0].ID != id {
			t.Fatalf("retry: %+v", o)
		}
		w.until(0, "a receipt", func() bool { return len(w.history()) == 1 })
		h := w.history()[0]
		if h.ID != id || !regexp.MustCompile(`/in/a\.conflict-20\d{6}T\d{6}Z\.txt$`).MatchString(h.RemotePath) {
			t.Errorf("history: %+v", h)
		}
		wantTree(t, w.sshd.Dir, map[string]string{"in/a.txt": "theirs", h.RemotePath[len(w.sshd.Dir)+1:]: "ours, longer"})
		awaitTree(t, w.mkdir("archive"), 5*time.Second, map[string]string{"a.txt": "ours, longer"})
	})
}

// TestRetryFreesABlockedDestination dials at once when the server's owner has installed the key, and not in half an hour.
func TestRetryFreesABlockedDestination(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		r := newRig(t, `to = ["acme"]`)
		keys := filepath.Join(filepath.Dir(r.sshd.KeyFile), "authorized_keys")
		installed, err := os.ReadFile(keys)
		if err != nil {
			t.Fatal(err)
		}
		r.write(keys, "")
		w.with(r)
		w.drop("a.txt", "a")
		if w.running {
			w.agent.wait("destination blocked")
			eventually(t, "the status tells", 5*time.Second, func() bool { return w.status().Destinations[0].State == "blocked" })
		} else {
			w.expect(12, "once")
		}
		w.write(keys, string(installed))
		if !w.running {
			w.expect(12, "once") // nobody has said that it may be tried
		}
		failed := lines(w.sshd.Log(), "Failed publickey")
		contains(t, w.expect(0, "retry", "destination:acme").stdout, "destination acme is free to be dialled at once")
		w.arrives(0, "a.txt", "a")
		if n := lines(w.sshd.Log(), "Failed publickey"); n != failed || n != 1 {
			t.Errorf("%d failed attempts to log in, %d of them after the retry", n, n-failed)
		}
		if o := w.command("retry", "destination:acme"); len(o.Destinations) != 0 || o.Released != 0 {
			t.Errorf("there was nothing to free: %+v", o)
		}
	})
}

// TestRetryEndsAWait has what waits for its next attempt tried at once.
func TestRetryEndsAWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, "retry = { initial = \"1h\", max = \"2h\" }\nto = [\"acme:in\"]")
	r.sshd.Stop()
	a := r.watching()
	r.drop("a.txt", "a")
	a.wait("cannot be used for now")
	eventually(t, "it waits", 5*time.Second, func() bool { return r.status().Destinations[0].State == "waiting" })
	r.sshd.Start()
	if o := r.command("retry", "folder:outbox"); len(o.Destinations) != 1 || o.Destinations[0] != "acme" {
		t.Errorf("retry: %+v", o)
	}
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"in/a.txt": "a"})
}
