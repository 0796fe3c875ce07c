package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLinkToAFileLeadsElsewhere makes a link that led to a file lead to a directory, to nothing and back: the other side has
// what there is under its name, each time.
func TestLinkToAFileLeadsElsewhere(t *testing.T) {
	t.Parallel()
	r := newRig(t, "symlinks = \"follow-inside\"\nmode = \"mirror\"\ndelete = true\ndelete_delay = \"300ms\"\nto = [\"acme:in\"]")
	r.drop("anchor", "anchor")
	r.drop("pool/file", "a file")
	r.drop("pool/dir/a", "in a directory")
	r.drop("pool/dir/b", "in a directory, too")
	fixed := map[string]string{"anchor": "anchor", "pool/file": "a file", "pool/dir/a": "in a directory", "pool/dir/b": "in a directory, too"}
	as := map[string]map[string]string{
		"pool/file": {"link": "a file"},
		"pool/dir":  {"link/a": "in a directory", "link/b": "in a directory, too"},
		"nowhere":   {},
	}
	a := r.start()
	var to string
	var want, there map[string]string
	defer func() {
		if t.Failed() {
			t.Logf("leading to %s, there is %q, want %q\nplan: %s\nstatus: %s", to, there, want, r.run("plan").text(), r.run("status").text())
		}
	}()
	for _, to = range []string{"pool/file", "pool/dir", "pool/file", "nowhere", "pool/dir"} {
		link := filepath.Join(r.outbox, "link")
		if err := os.Symlink(to, link+".tmp"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(link+".tmp", link); err != nil {
			t.Fatal(err)
		}
		want = maps.Clone(fixed)
		maps.Copy(want, as[to])
		eventually(t, "the other side has what there is here", 10*time.Second, func() bool {
			there = published(t, r.inbox("in"))
			maps.DeleteFunc(there, func(name, _ string) bool { return isTrash(name) })
			return maps.Equal(there, want) && r.planIsEmpty()
		})
	}
	// What was delivered just now is compared once more, and not for as long as its fingerprint may hide a change.
	if n := strings.Count(a.text(), "msg=unchanged"); n > 10 {
		t.Errorf("unchanged files were compared %d times", n)
	}
}
