//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestUnreadableSubtreeIsNotGone: as long as a place cannot be read, nothing at all is removed.
func TestUnreadableSubtreeIsNotGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.asNobody(r.dir, filepath.Dir(r.sshd.KeyFile))
	for _, name := range []string{"a.txt", "b.txt", "sub/c.txt", "sub/deep/d.txt"} {
		r.drop(name, name)
	}
	give(t, r.outbox)
	r.deliver(4)
	chmod(t, filepath.Join(r.outbox, "sub"), 0)
	r.lose("b.txt")
	for range 3 {
		all, summary := r.removing(3)
		if n := kinds(all); n["unread"] == 0 || n["trashed"] > 0 || summary.Removed > 0 {
			t.Fatalf("events: %+v", all)
		}
		time.Sleep(150 * time.Millisecond) // more than delete_delay: without it nothing would be due anyway
	}
	if err := os.Chmod(filepath.Join(r.outbox, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.miss(0)
	all, _ := r.removing(0)
	wantKinds(t, all, map[string]int{"trashed": 1})
	r.wantCopy(map[string]string{"a.txt": "a.txt", "sub/c.txt": "sub/c.txt", "sub/deep/d.txt": "sub/deep/d.txt", ".trash/TIME/b.txt": "b.txt"})
}

// TestFolderThatCannotBeWritten has no marker, and so nothing is removed; files are delivered all the same.
func TestFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.asNobody(r.dir, filepath.Dir(r.sshd.KeyFile))
	r.drop("a.txt", "a")
	r.drop("b.txt", "b")
	give(t, r.outbox)
	chmod(t, r.outbox, 0o555)
	all, summary := r.removing(3)
	if n := kinds(all); n["delivered"] != 2 || n["unmarked"] != 1 {
		t.Errorf("events: %+v", all)
	}
	if text := r.expect(3, "once").text(); !strings.Contains(text, "nothing is removed for this folder") || !strings.Contains(text, "permission denied") {
		t.Errorf("it says %s", text)
	}
	a := r.watching()
	eventually(t, "the status tells", 10*time.Second, func() bool {
		s := r.status()
		return len(s.Folders) == 1 && strings.Contains(s.Folders[0].Reason, "nothing is removed at the destinations")
	})
	a.stop()
	if err := os.Chmod(r.outbox, 0o755); err != nil {
		t.Fatal(err)
	}
	r.lose("b.txt")
	r.miss(0)
	if all, summary = r.removing(0); summary.Removed != 1 {
		t.Errorf("events: %+v", all)
	}
}
