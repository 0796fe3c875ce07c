package syncer

import "testing"

func TestOdds(t *testing.T) {
	t.Parallel()
	var o odds
	made := func(tries int, size int64) (n int) {
		for range tries {
			if o.worth(size) {
				n++
			}
		}
		return n
	}
	if n := made(100, 1); n != 100 {
		t.Errorf("at first %d of 100 are compared", n)
	}
	for range oddsMisses {
		o.note(false, false) // nothing has its size
		o.note(true, false)
	}
	if n := made(10*oddsMisses, oddsSize-1); n != 10 {
		t.Errorf("after misses %d of %d are compared, want 10", n, 10*oddsMisses)
	}
	if n := made(100, oddsSize); n != 100 {
		t.Errorf("%d of 100 large ones are compared", n)
	}
	o.note(true, true)
	if n := made(100, 1); n != 100 {
		t.Errorf("after a find %d of 100 are compared", n)
	}
	var none *odds
	none.note(true, false)
	if !none.worth(1) {
		t.Error("without a memory a file is not compared")
	}
}
