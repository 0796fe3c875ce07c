package e2e

import (
	"os"
	"slices"
	"testing"
	"time"
)

// TestVerifyEmptyDirectories finds those that somebody has removed at the server, and has them made again, by an agent whose session has
// made them before.
func TestVerifyEmptyDirectories(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	for _, dir := range []string{"outbox/empty", "outbox/sub/deep", "outbox/taken"} {
		r.mkdir(dir)
	}
	r.drop("a.txt", "a")
	there := func(all ...string) func() bool {
		return func() bool {
			found := names(t, r.inbox("copy"))
			return !slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(found, name) })
		}
	}
	if err := os.Mkdir(r.inbox("copy"), 0o755); err != nil {
		t.Fatal(err)
	}
	a := r.watching()
	eventually(t, "all are made", time.Minute, there("a.txt", "empty/", "sub/deep/", "taken/"))
	eventually(t, "nothing is left to do", time.Minute, r.planIsEmpty)
	found, s := r.verify(0)
	wantFound(t, found, nil)
	if s.Checked != 5 || s.OK != 5 { // sub holds no file either
		t.Errorf("%+v", s)
	}

	for _, dir := range []string{"empty", "sub/deep", "sub", "taken"} {
		if err := os.Remove(r.inbox("copy/" + dir)); err != nil {
			t.Fatal(err)
		}
	}
	r.write(r.inbox("copy/taken"), "theirs")
	found, s = r.verify(3, "--repair")
	wantFound(t, found, map[string]string{"empty": "missing", "sub": "missing", "sub/deep": "missing", "taken": "different"})
	if f := found["empty"]; f.Repair != "mkdir" || f.Outcome != "planned" || f.Expected == nil || f.Expected.Kind != "directory" || f.Found != nil || s.Planned != 3 {
		t.Errorf("%+v, of %+v", f, s)
	}
	if f := found["taken"]; f.Repair != "none" || f.Hint == "" || f.Found == nil || f.Found.Kind != "file" {
		t.Errorf("%+v", f)
	}
	eventually(t, "they are there again", time.Minute, there("empty/", "sub/deep/"))
	if err := os.Remove(r.inbox("copy/taken")); err != nil {
		t.Fatal(err)
	}
	r.verify(3, "--repair")
	eventually(t, "all are", time.Minute, there("empty/", "sub/deep/", "taken/"))
	r.verify(0)
	a.stop()
}
