package syncer

import (
	"testing"
	"time"
)

func TestOdds(t *testing.T) {
	t.Parallel()
	var o odds
	made := func(tries int, gain, cost time.Duration) (n int) {
		for range tries {
			if o.worth(gain, cost) {
				n++
			}
		}
		return n
	}
	const gain, cost = 10 * time.Second, time.Second
	if n := made(100, gain, cost); n != 100 {
		t.Errorf("at first %d of 100 are compared", n)
	}
	if n := made(100, cost, cost); n != 0 {
		t.Errorf("%d are compared where it gains nothing", n)
	}
	for range oddsMisses {
		o.note(false)
	}
	if n := made(10*oddsMisses, gain, cost); n != 10 {
		t.Errorf("after misses %d of %d are compared, want 10", n, 10*oddsMisses)
	}
	if n := made(100, time.Minute, cost); n != 100 {
		t.Errorf("%d of 100 are compared of which much is spared", n)
	}
	o.note(true)
	if n := made(100, gain, cost); n != 100 {
		t.Errorf("after a find %d of 100 are compared", n)
	}
	var none *odds
	none.note(false)
	if !none.worth(gain, cost) || none.worth(cost, cost) {
		t.Error("without a memory it is not the gain that counts")
	}
}
