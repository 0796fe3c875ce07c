package remote

import (
	"testing"
	"time"
)

func TestWorth(t *testing.T) {
	t.Parallel()
	type measure struct {
		rate   float64
		shared bool
	}
	alone := []measure{{1, false}, {10, false}, {10, false}} // the first does not count
	for name, row := range map[string]struct {
		more []measure
		want stage
	}{
		"they carry twice as much":  {[]measure{{0, true}, {20, true}, {20, true}, {20, true}, {20, true}}, stageWorth},
		"they carry a little more":  {[]measure{{99, true}, {10, true}, {11, true}, {11, true}, {10, true}}, stageUseless},
		"they carry less":           {[]measure{{20, true}, {8, true}, {8, true}, {8, true}, {8, true}}, stageUseless},
		"they are not in use":       {[]measure{{10, false}, {10, false}, {10, false}, {10, false}, {10, false}, {10, false}}, stageTogether},
		"too little is known":       {[]measure{{10, true}, {10, true}, {10, true}}, stageTogether},
		"some of it was one's only": {[]measure{{20, true}, {20, true}, {9, false}, {20, true}, {9, false}, {20, true}, {20, true}}, stageWorth},
	} {
		var w worth
		for i, m := range alone {
			if next, begins := w.note(m.rate, m.shared); begins != (i == len(alone)-1) || begins && next != stageTogether {
				t.Errorf("%s: measure %d of one: %v, %t", name, i, next, begins)
			}
		}
		for _, m := range row.more {
			w.note(m.rate, m.shared)
		}
		if w.stage != row.want {
			t.Errorf("%s: stage %d, want %d", name, w.stage, row.want)
		}
	}
}

// What was given up is tried again after an hour, and measured anew.
func TestWorthAfterAWhile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := worth{stage: stageUseless}
	if w.allows(now.Add(-furtherAgain+time.Second), now) || w.stage != stageUseless {
		t.Error("too early")
	}
	if w.allows(now.Add(-furtherAgain), now) || w.stage != stageAlone {
		t.Errorf("stage %d", w.stage)
	}
	w.stage = stageTogether
	if !w.allows(time.Time{}, now) {
		t.Error("they are not tried")
	}
}
