package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestEmptyDirectoryBehindALink is made at the destination once, filled later, and removed with its link.
func TestEmptyDirectoryBehindALink(t *testing.T) {
	t.Parallel()
	r := newRig(t, "symlinks = \"follow-inside\"\n"+deleting)
	r.mkdir("outbox/hollow")
	if err := os.Symlink("hollow", filepath.Join(r.outbox, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	r.drop("stays.txt", "x")
	wantNames := func(what string, want ...string) {
		t.Helper()
		eventually(t, what, 10*time.Second, func() bool {
			r.once(0)
			return slices.Equal(slices.DeleteFunc(names(t, r.inbox("copy")), isTrash), want)
		})
		if all := r.plan(0).Operations; len(all) != 0 {
			t.Errorf("%s, and planned again: %+v", what, all)
		}
	}
	wantNames("both are made", "hollow/", "link/", "stays.txt")
	r.drop("hollow/a.txt", "a")
	wantNames("both are filled", "hollow/", "hollow/a.txt", "link/", "link/a.txt", "stays.txt")
	r.lose("hollow/a.txt")
	wantNames("both are empty again", "hollow/", "link/", "stays.txt")
	r.lose("link")
	wantNames("the link is gone", "hollow/", "stays.txt")
}

func isTrash(name string) bool { return len(name) >= 6 && name[:6] == ".trash" }
