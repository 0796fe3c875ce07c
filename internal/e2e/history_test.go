package e2e

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// withAndWithoutAgent asks the same of a running agent and of the store, which have to agree.
func withAndWithoutAgent(t *testing.T, r *rig, ask func(t *testing.T)) {
	t.Helper()
	t.Run("without an agent", ask)
	a := r.watching()
	r.quiet()
	t.Run("with an agent", ask)
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// quiet waits until the agent has nothing to do: at its start it compares files that were young when they were sent.
func (r *rig) quiet() {
	r.t.Helper()
	eventually(r.t, "nothing is queued", 10*time.Second, func() bool {
		for _, d := range r.status().Destinations {
			if d.Queued > 0 || d.Active > 0 {
				return false
			}
		}
		return true
	})
}

func TestHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	second := replaced(t, r.acme(), `name = "acme"`, `name = "second"`)
	r.configure(r.acme() + second + r.folder("left", r.mkdir("left"), `to = ["acme:left", "second:second"]`) +
		r.folder("right", r.mkdir("right"), `to = ["acme:right"]`))
	contains(t, r.expect(0, "history").stdout, "Nothing was delivered.")
	if h := r.history(); h == nil || len(h) != 0 {
		t.Errorf("an empty history: %#v", h)
	}
	r.write(r.at("left/sub/a.txt"), "hello")
	r.deliver(2)
	r.write(r.at("right/bad\xff\x1b[31m.txt"), "")
	r.deliver(1)
	between := time.Now()
	r.write(r.at("right/late.txt"), "late")
	r.deliver(1)

	withAndWithoutAgent(t, r, func(t *testing.T) {
		all := r.history()
		if len(all) != 4 || all[0].Path != "late.txt" {
			t.Fatalf("the newest is not first: %+v", all)
		}
		for _, c := range []struct {
			args []string
			want int
		}{
			{[]string{"--folder", "left"}, 2},
			{[]string{"--folder", "right"}, 2},
			{[]string{"--destination", "acme"}, 3},
			{[]string{"--destination", "second"}, 1},
			{[]string{"--folder", "right", "--destination", "second"}, 0},
			{[]string{"--limit", "1"}, 1},
			{[]string{"--limit", "3", "--folder", "left"}, 2},
			{[]string{"--folder", "nonsense"}, 0},
			{[]string{"--since", "1h"}, 4},
			{[]string{"--since", "7d"}, 4},
			{[]string{"--since", between.UTC().Format(time.RFC3339Nano)}, 1},
			{[]string{"--since", time.Now().Add(time.Hour).Format("2006-01-02 15:04:05")}, 0},
		} {
			if got := r.history(c.args...); len(got) != c.want {
				t.Errorf("history %q: %d receipts, want %d", c.args, len(got), c.want)
			}
		}
		newest := r.history("--limit", "1")[0]
		if newest.Path != "late.txt" || newest.RemotePath != r.inbox("right/late.txt") || newest.Size != 4 || newest.SHA256 != sum("late") ||
			newest.Evidence != "read-back" || newest.Attempts != 1 || newest.HostKey != r.sshd.Fingerprints[0] {
			t.Errorf("receipt: %+v", newest)
		}
		if odd := all[1]; string(odd.PathB64) != "bad\xff\x1b[31m.txt" {
			t.Errorf("a name that is no UTF-8: %q %q", odd.Path, odd.PathB64)
		}
		text := r.expect(0, "history").stdout
		contains(t, text, "DELIVERED", "left", "second", "sub/a.txt", "5 B", "read-back", sum("hello")[:16], `bad\xff\x1b[31m.txt`)
		lacks(t, text, "\x1b", "\xff")
		if n := strings.Count(text, "\n"); n != 6 || !strings.Contains(text, "4 deliveries of 3 files, ") {
			t.Errorf("%d lines:\n%s", n, text)
		}
	})
	before := r.history()
	a := r.watching()
	if !reflect.DeepEqual(before, r.history()) {
		t.Error("the agent tells another history than the store")
	}
	a.kill()
}
