package syncer

import (
	"fmt"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func TestUnread(t *testing.T) {
	var u unread
	for _, step := range []struct {
		unreadable file.Path // "" none
		p          file.Path
		covered    bool
		kept       int
	}{
		{"", "A", false, 0},
		{"a", "a!", false, 1},
		{"a-b", "a-b", true, 2},
		{"", "a-b/x", true, 2},
		{"", "a-c", false, 2 - 1},
		{"", "a/x", true, 1},
		{"", "a/x/y", true, 1},
		{"", "a0", false, 0},
		{"", "b", false, 0},
	} {
		if step.unreadable != "" {
			u.add(step.unreadable)
		}
		if got := u.covers(step.p); got != step.covered || len(u) != step.kept {
			t.Errorf("%s: %v with %q, want %v with %d", step.p, got, u, step.covered, step.kept)
		}
	}
	for i := range 100_000 {
		p := file.Path(fmt.Sprintf("c/%06d", i))
		u.add(p)
		if !u.covers(p+"/x") || len(u) != 1 {
			t.Fatalf("%s: kept %d", p, len(u))
		}
	}
}
