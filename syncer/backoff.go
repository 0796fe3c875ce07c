package syncer

import (
	"math/rand/v2"
	"time"
)

// backoff returns how long to wait after the n-th failure in a row, n from 1: a random time up to the initial one
// doubled at each failure, at most r.Max. The full jitter keeps many agents from coming back at the same moment. The
// least is a tenth of that, so that a lucky draw does not hammer.
func backoff(r Retry, n int, random *rand.Rand) time.Duration {
	limit := r.Initial
	for range n - 1 {
		if limit >= r.Max/2 {
			limit = r.Max
			break
		}
		limit *= 2
	}
	limit = min(limit, r.Max)
	if limit <= 0 {
		return 0
	}
	least := limit / 10
	return least + time.Duration(random.Int64N(int64(limit-least)+1))
}
