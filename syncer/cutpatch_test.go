package syncer

import (
	"testing"

	"github.com/dropferry/dropferry/state"
)

// TestCutWhilePutTogether suspects a file whose deltas are cut off, however long each of them takes: each begins anew. One that has a
// checkpoint goes on, and is none.
func TestCutWhilePutTogether(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		o       outcome
		suspect bool
	}{
		{"an upload", outcome{}, false},
		{"put together", outcome{intent: state.Intent{Patched: true}}, true},
		{"what follows what was put together", outcome{intent: state.Intent{Patched: true}, reached: 1 << 20}, false},
		{"the same, going on", outcome{intent: state.Intent{Patched: true}, resumed: true}, false},
	} {
		l := &link{troubles: map[string]*trouble{}}
		for range lossesBeforeWaiting {
			w := &workload{}
			w.progress.total = steadyProgress
			l.trouble(w, &row.o, false)
		}
		if l.isSuspect(row.o.intent.ID) != row.suspect {
			t.Errorf("%s: suspected: %v", row.name, !row.suspect)
		}
	}
}
