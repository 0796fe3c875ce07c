package syncer

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/state"
)

// TestStillBlocked binds whoever would log in; without a next probe for good, as with auth_retry off.
func TestStillBlocked(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name string
		next time.Time
		want bool
	}{
		{"a probe is to come", now.Add(time.Second), true},
		{"it is due", now, false},
		{"it was due", now.Add(-time.Hour), false},
		{"there is none", time.Time{}, true},
	} {
		if got := StillBlocked(state.Block{NextProbe: row.next}, now); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
