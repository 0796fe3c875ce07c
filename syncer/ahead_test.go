package syncer

import (
	"errors"
	"iter"
	"testing"
)

// numbers yields as many numbers and then an error, and notes when it has ended.
func numbers(n int, err error, ended *bool) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		defer func() { *ended = true }()
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func TestAhead(t *testing.T) {
	t.Parallel()
	failure := errors.New("failure")
	for _, n := range []int{0, 1, aheadBatch - 1, aheadBatch, aheadBatch + 1, 20 * aheadBatch} {
		for _, fails := range []error{nil, failure} {
			ended, got := false, 0
			var last error
			for i, err := range ahead(numbers(n, fails, &ended)) {
				if last = err; err == nil && i != got {
					t.Fatalf("%d in place of %d", i, got)
				}
				if err == nil {
					got++
				}
			}
			if got != n || !errors.Is(last, fails) || !ended {
				t.Errorf("%d of %d, then %v; ended: %t", got, n, last, ended)
			}
		}
	}
}

// Whoever wants no more ends the reading too.
func TestAheadThatIsLeft(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 1, aheadBatch, 3*aheadBatch + 7} {
		ended := false
		for i, err := range ahead(numbers(100*aheadBatch, nil, &ended)) {
			if i == after || err != nil {
				break
			}
		}
		if !ended {
			t.Errorf("left after %d, it is still read", after)
		}
	}
}
