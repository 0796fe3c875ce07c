package syncer

import (
	"hash"
	"sync"
)

const (
	behindBlock = 256 << 10
	behindMost  = 8 // blocks
)

// behind passes what is written to it to a hash, in a goroutine of its own and a little behind: who makes something else of the same
// bytes does not wait for it, where there are two processors.
type behind struct {
	hash        hash.Hash
	full, empty chan []byte
	made        int
	hashing     sync.WaitGroup
}

// writeBehind begins one. It has to be ended.
func writeBehind(h hash.Hash) *behind {
	b := &behind{hash: h, full: make(chan []byte, behindMost), empty: make(chan []byte, behindMost)}
	b.hashing.Go(func() {
		for block := range b.full {
			_, _ = b.hash.Write(block) // which does not fail
			b.empty <- block
		}
	})
	return b
}

// Write takes the bytes that come next.
func (b *behind) Write(data []byte) (int, error) {
	written := len(data)
	for len(data) > 0 {
		block := b.block()
		n := copy(block[:cap(block)], data)
		b.full <- block[:n]
		data = data[n:]
	}
	return written, nil
}

// block returns one that nobody uses.
func (b *behind) block() []byte {
	select {
	case block := <-b.empty:
		return block
	default:
	}
	if b.made < behindMost {
		b.made++
		return make([]byte, 0, behindBlock)
	}
	return <-b.empty
}

// end waits until the hash has got everything. Nothing is written afterwards.
func (b *behind) end() {
	close(b.full)
	b.hashing.Wait()
}
