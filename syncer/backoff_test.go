package syncer

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		name  string
		retry Retry
		n     int
		limit time.Duration // the wait lies between a tenth of it and it
	}{
		{"the first failure", Retry{Initial: time.Second, Max: 5 * time.Minute}, 1, time.Second},
		{"doubles", Retry{Initial: time.Second, Max: 5 * time.Minute}, 2, 2 * time.Second},
		{"and doubles", Retry{Initial: time.Second, Max: 5 * time.Minute}, 6, 32 * time.Second},
		{"up to the longest", Retry{Initial: time.Second, Max: 5 * time.Minute}, 10, 5 * time.Minute},
		{"and no further", Retry{Initial: time.Second, Max: 5 * time.Minute}, 1_000_000, 5 * time.Minute},
		{"the longest below the first", Retry{Initial: time.Minute, Max: time.Second}, 1, time.Second},
		{"no wait at all", Retry{}, 3, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			least, most := time.Duration(1<<62), time.Duration(0)
			for range 500 {
				w := backoff(row.retry, row.n, random)
				least, most = min(least, w), max(most, w)
			}
			if least < row.limit/10 || most > row.limit {
				t.Errorf("waits of %v to %v, want %v to %v", least, most, row.limit/10, row.limit)
			}
			if row.limit > 0 && most-least < row.limit/2 {
				t.Errorf("waits of %v to %v: many agents would come back at the same moment", least, most)
			}
		})
	}
}
