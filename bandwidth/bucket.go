package bandwidth

import (
	"math"
	"time"

	"golang.org/x/time/rate"
)

const (
	// A limit lets this part of a second's bytes pass at once after a rest: enough to make up for a late timer, and little
	// in the seconds over which people measure.
	burstPart = 4
	// No turn is for more than this part of a second's bytes, so that the next comes soon.
	turnPart = 16
	// leastPortion is the least that a turn is for, in bytes, where so many are asked for.
	leastPortion = 256
)

// portion returns the most bytes that one turn is for.
func portion(rate int64) int64 { return max(rate/turnPart, leastPortion) }

// bucket is one rate with what has been saved up of it. The zero value bounds nothing.
type bucket struct {
	rate   int64         // 0 is no limit
	tokens *rate.Limiter // nil without a limit
}

// set changes the rate. What was saved up stays.
func (b *bucket) set(now time.Time, bytes int64) {
	if b.rate == bytes {
		return
	}
	b.rate = bytes
	burst := int(min(max(bytes/burstPart, leastPortion), math.MaxInt32))
	switch {
	case bytes == 0:
		b.tokens = nil
	case b.tokens == nil:
		b.tokens = rate.NewLimiter(rate.Limit(bytes), burst)
	default:
		b.tokens.SetLimitAt(now, rate.Limit(bytes))
		b.tokens.SetBurstAt(now, burst)
	}
}

// price is what a turn for n bytes takes: never more than can be saved up, which a turn from before a change of the rate
// may ask for.
func (b *bucket) price(n int) int { return min(n, b.tokens.Burst()) }

// delay returns how long it takes until n bytes may pass, if no others do; 0 is now.
func (b *bucket) delay(now time.Time, n int) time.Duration {
	if b.tokens == nil {
		return 0
	}
	missing := float64(b.price(n)) - b.tokens.TokensAt(now)
	if missing <= 0 {
		return 0
	}
	return time.Duration(math.Ceil(missing / float64(b.rate) * float64(time.Second)))
}

// take lets n bytes pass, for which delay has been 0 just now.
func (b *bucket) take(now time.Time, n int) {
	if b.tokens != nil {
		b.tokens.AllowN(now, b.price(n))
	}
}
