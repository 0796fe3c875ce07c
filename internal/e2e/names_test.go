package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestLongNames sends names as long as file systems allow, and archives them under names of its own.
func TestLongNames(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:in\"]")
	want := map[string]string{}
	for _, name := range []string{strings.Repeat("n", 255), strings.Repeat("ü", 127), strings.Repeat("d", 255) + "/" + strings.Repeat("f", 255)} {
		want[name] = name
		r.drop(name, name)
	}
	r.deliver(3)
	wantTree(t, r.inbox("in"), want)
	wantTree(t, r.archive, want)
}

// TestNameThatTheServerRefuses gives up that file, says why, and holds up nothing else.
func TestNameThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in/{stem}-and-a-tail{ext}"]`)
	long := strings.Repeat("n", 251) + ".txt" // with the tail it is too long
	r.drop(long, "long")
	r.drop("short.txt", "short")
	_, summary := r.once(3)
	if summary.Delivered != 1 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	wantTree(t, r.inbox("in"), map[string]string{"short-and-a-tail.txt": "short"})
	e := r.explain(filepath.Join(r.outbox, long))
	if e.State != "parked" || !strings.Contains(e.Reason, "status 4") {
		t.Errorf("explain: %+v", e)
	}
	_, summary = r.once(3)
	if summary.Delivered != 0 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
}

// TestTwoFilesForOneName sends the one, and says that the other waits for it.
func TestTwoFilesForOneName(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.configure(r.acme() + r.folder("a", r.mkdir("a"), `to = ["acme:in/{stem}.txt"]`))
	r.write(r.at("a/x.one"), "one")
	r.write(r.at("a/x.two"), "two")
	if got := r.run("once", "--json"); got.code != 3 {
		t.Errorf("exit code %d, want 3: one of two files is not delivered\n%s", got.code, got.text())
	}
	found := tree(t, r.inbox("in"))
	if len(found) != 1 || (found["x.txt"] != "one" && found["x.txt"] != "two") {
		t.Errorf("at the server: %v", found)
	}
	first := found["x.txt"]
	r.run("once")
	if now := tree(t, r.inbox("in"))["x.txt"]; now != first {
		t.Errorf("the second file has taken the place of the first")
	}
}
