package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// inOrder returns the paths below a directory in the order in which they got their names, where the file system tells.
func inOrder(t *testing.T, dir string) []string {
	t.Helper()
	at := map[string]int64{}
	var names []string
	for name := range tree(t, dir) {
		if file.IsPrivate(filepath.Base(name)) {
			continue
		}
		f, _, err := file.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		at[name] = f.ChangeTime
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return int(at[a] - at[b]) })
	return names
}

// TestStrictOrder has a file in the middle that a person has to decide about: what is behind it waits, says so, and goes on
// in order, whatever was killed meanwhile.
func TestStrictOrder(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"name", "mtime", "size"} {
		t.Run(order, func(t *testing.T) {
			t.Parallel()
			bothWays(t, func(t *testing.T, w *way) {
				r := newRig(t, fmt.Sprintf("sequential = true\norder = %q\nretry = { initial = \"20ms\", max = \"100ms\" }\nto = [\"acme:in\"]", order))
				names := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
				if order != "name" { // then the names say nothing
					slices.Reverse(names)
				}
				began := time.Now().Add(-time.Hour)
				for i, name := range names {
					r.drop(name, strings.Repeat("x", 10+i))
					at := began.Add(time.Duration(i) * time.Minute)
					if err := os.Chtimes(filepath.Join(r.outbox, name), at, at); err != nil {
						t.Fatal(err)
					}
				}
				r.write(r.inbox("in/"+names[4]), "somebody else's")
				for _, point := range []string{"planned", "uploading", "committed", "published:2", "delivered:2"} {
					r.env = []string{"DROPFERRY_CRASH=" + point}
					r.run("once")
				}
				r.env = nil
				w.with(r)
				id := w.becomes(3, names[4], "held")
				w.until(3, "what comes before is there", func() bool { return len(tree(t, r.inbox("in"))) == 5 })
				last := w.file(names[7])
				w.until(3, "the last waits", func() bool { return r.explain(last).State == "waits" })

				contains(t, r.explain(last).Reason, "strict order: it waits for "+names[4]+", which is held: ", "dropferry retry "+id, "dropferry cancel "+id)
				contains(t, r.explain(w.file(names[4])).Reason, "by strict order, what is behind it waits")
				if got := r.status().Folders[0].Waiting; len(got) != 1 || got[0].Rule != "sequential" || got[0].Files != 3 || got[0].ID != id || got[0].State != "held" || got[0].Path != names[4] {
					t.Errorf("status: %+v", got)
				}
				contains(t, r.expect(0, "status").stdout, "acme: strict order: 3 files wait for "+names[4]+", which is held")
				p := r.plan(0)
				if len(p.Waiting) != 3 || p.Waiting[0].Path != names[5] || p.Waiting[0].Reason != "sequential" || p.Waiting[0].Destination != "acme" {
					t.Errorf("plan: %+v", p)
				}
				if text := "strict order: what is behind " + names[4]; w.running {
					w.agent.wait(text)
				} else {
					events, _ := r.once(3)
					if n := slices.IndexFunc(events, func(e eventJSON) bool { return e.Type == "waits" && strings.HasPrefix(e.Reason, text) }); n < 0 {
						t.Errorf("once does not say %q: %v", text, types(events))
					}
				}

				if err := os.Remove(r.inbox("in/" + names[4])); err != nil {
					t.Fatal(err)
				}
				r.expect(0, "retry", id)
				w.until(0, "all has receipts", func() bool { return len(r.history()) == len(names) })
				if got := inOrder(t, r.inbox("in")); !slices.Equal(got, names) {
					t.Errorf("they have come as %q, want %q", got, names)
				}
				if got := r.status().Folders[0].Waiting; len(got) > 0 {
					t.Errorf("status: %+v", got)
				}
			})
		})
	}
}

// TestCancelLetsTheOthersPass is the other word that a person can say about a file that stops the others.
func TestCancelLetsTheOthersPass(t *testing.T) {
	t.Parallel()
	bothWays(t, func(t *testing.T, w *way) {
		r := newRig(t, "sequential = true\nlast = [\"*.done\"]\nto = [\"acme:in\"]")
		r.write(r.inbox("in/b"), "somebody else's")
		for _, name := range []string{"a", "b", "c", "0.done"} {
			r.drop(name, name)
		}
		w.with(r)
		id := w.becomes(3, "b", "held")
		w.until(3, "the trigger waits", func() bool { return r.explain(w.file("0.done")).State == "waits" })
		contains(t, r.explain(w.file("0.done")).Reason, "it goes last, and waits for b, which is held")
		r.expect(0, "cancel", id)
		w.arrives(0, "in/0.done", "0.done")
		if got := inOrder(t, r.inbox("in")); !slices.Equal(got, []string{"b", "a", "c", "0.done"}) {
			t.Errorf("they have come as %q", got)
		}
	})
}

// TestReloadOfAnOrder takes up another order with what is planned already.
func TestReloadOfAnOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(r.dead("acme"), `to = ["acme:in"]`)
	a := r.watching()
	for _, name := range []string{"0.done", "a", "b", "c"} {
		r.drop(name, name)
	}
	eventually(t, "all are planned", 20*time.Second, func() bool { return r.status().Folders[0].Ready == 4 })
	r.outboxTo(r.dead("acme"), "order = \"size\"\nsequential = true\nlast = [\"*.done\"]\nto = [\"acme:in\"]")
	contains(t, r.expect(0, "reload").stdout, "order, sequential, last")
	eventually(t, "the trigger waits", 20*time.Second, func() bool { return r.explain(filepath.Join(r.outbox, "0.done")).State == "waits" })
	r.drop("bb", "bb")
	r.drop("cc", "cc")
	eventually(t, "all are planned", 20*time.Second, func() bool { return r.status().Folders[0].Ready == 6 })
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	r.outboxTo(r.acme(), "order = \"size\"\nsequential = true\nlast = [\"*.done\"]\nto = [\"acme:in\"]")
	r.deliver(6)
	if got := inOrder(t, r.inbox("in")); !slices.Equal(got, []string{"a", "b", "c", "bb", "cc", "0.done"}) {
		t.Errorf("they have come as %q", got)
	}
}
