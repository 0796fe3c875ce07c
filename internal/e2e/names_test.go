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
	if e.State != "parked" || !strings.Contains(e.Reason, "given up: ") || !strings.Contains(e.Reason, "a name has 266 bytes, and file systems take at most 255") {
		t.Errorf("explain: %+v", e)
	}
	_, summary = r.once(3)
	if summary.Delivered != 0 || summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
}

// TestTwoFilesForOneName never lets one file take the place of another without a word.
func TestTwoFilesForOneName(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.configure(r.acme() + r.folder("a", r.mkdir("a"), `to = ["acme:in/{stem}.txt"]`))
	r.write(r.at("a/x.one"), "one")
	r.write(r.at("a/x.two"), "two, and longer")
	_, summary := r.once(3)
	if summary.Delivered != 1 || summary.Held+summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	found := tree(t, r.inbox("in"))
	if _, summary = r.once(3); summary.Delivered != 0 {
		t.Errorf("the next run: %+v", summary)
	}
	wantTree(t, r.inbox("in"), found)
}

// TestNamesForWindows writes names that a server on Windows takes; explain and the receipts know the files by their own.
func TestNamesForWindows(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror+"\nnames = \"windows\"")
	r.drop("12:30/what?.txt", "a")
	r.drop("con.txt", "b")
	r.deliver(2)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/12\uff1a30/what\uff1f.txt": "a", "copy/\u201bcon.txt": "b"})
	for _, d := range r.history() {
		if d.Path != "12:30/what?.txt" && d.Path != "con.txt" {
			t.Errorf("a receipt for %s", d.Path)
		}
	}
	r.deliver(0)
}
