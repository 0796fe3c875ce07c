package syncer

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// TestServerWhoseClockIsAnHourOff delivers, replaces, removes and empties the trash in time, whether the server keeps the times that it is
// told, or stamps files by its own clock.
func TestServerWhoseClockIsAnHourOff(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		for _, keeps := range []bool{true, false} {
			for _, hashes := range []bool{true, false} {
				t.Run(fmt.Sprintf("%v, keeps times: %v, hashes: %v", off, keeps, hashes), func(t *testing.T) {
					t.Parallel()
					r, s := removingRig(t)
					s.now = func() time.Time { return time.Now().Add(off) }
					s.keepsTimes, s.hashes = keeps, hashes
					r.deliver("stays", "a")
					r.drop("a", "newer")
					r.deliver("a")
					if got, _ := s.content("in/a"); got != "newer" {
						t.Fatalf("the server has %q", got)
					}
					r.once()
					r.quiet(s)
					r.gone("a")
					r.once()
					r.once()
					if got := s.trash(); !slices.Equal(got, []string{"a"}) {
						t.Fatalf("the trash holds %q; planned: %q", got, r.operations())
					}
					r.once() // not yet
					if got := s.trash(); !slices.Equal(got, []string{"a"}) {
						t.Errorf("the trash holds %q before its time", got)
					}
					r.folder.TrashKeep = 0
					r.once()
					if got := s.trash(); len(got) != 0 {
						t.Errorf("the trash holds %q after its time", got)
					}
				})
			}
		}
	}
}
