package syncer

import (
	"iter"
	"sync"
)

const (
	aheadBatch = 256
	aheadMost  = 4 // batches, besides the one that is being read and the one that is being used
)

// ahead reads a sequence in a goroutine of its own, a little ahead of its consumer: what is known of a folder while the folder
// is looked through, say. The goroutine ends before the sequence does.
func ahead[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	type element struct {
		value T
		err   error
	}
	return func(yield func(T, error) bool) {
		batches, over := make(chan []element, aheadMost), make(chan struct{})
		var reader sync.WaitGroup
		defer reader.Wait()
		defer close(over)
		reader.Go(func() {
			defer close(batches)
			var batch []element
			pass := func() bool {
				select {
				case batches <- batch:
					batch = make([]element, 0, aheadBatch)
					return true
				case <-over:
					return false
				}
			}
			for value, err := range seq {
				if batch = append(batch, element{value, err}); len(batch) >= aheadBatch && !pass() {
					return
				}
			}
			pass()
		})
		for batch := range batches {
			for _, e := range batch {
				if !yield(e.value, e.err) {
					return
				}
			}
		}
	}
}
