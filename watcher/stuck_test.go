package watcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// Of a million files that do not become ready a few are shown, and each is told of once.
func TestStuckFilesAreCounted(t *testing.T) {
	s := newSettling(marker{})
	begin := time.Now().Add(-2 * StuckAfter)
	see := func(n int, at time.Time) {
		for i := range n {
			s.observe(file.Path(fmt.Sprintf("%d/%04d", at.Unix(), n-i)), file.Fingerprint{}, at, time.Hour, 0)
		}
	}
	see(1000, begin)
	see(10, begin.Add(time.Minute))
	see(10, time.Now())
	until := time.Now().Add(-StuckAfter)
	all := s.stuckSince(time.Time{}, until, 3)
	if all.Count != 1010 || len(all.First) != 3 || !all.Last.Equal(begin.Add(time.Minute)) {
		t.Errorf("%d are stuck, %d shown, the last since %v", all.Count, len(all.First), all.Last)
	}
	for i, e := range all.First {
		if want := file.Path(fmt.Sprintf("%d/%04d", begin.Unix(), i+1)); e.Path != want {
			t.Errorf("shown: %s, want %s", e.Path, want)
		}
	}
	if later := s.stuckSince(begin, until, 20); later.Count != 10 || len(later.First) != 10 {
		t.Errorf("%d are stuck since later, %d shown", later.Count, len(later.First))
	}
	if none := s.stuckSince(all.Last, until, 20); none.Count != 0 || none.First != nil {
		t.Errorf("told of again: %+v", none)
	}
}
