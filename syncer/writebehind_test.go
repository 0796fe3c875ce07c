package syncer

import (
	"bytes"
	"crypto/sha256"
	"testing"
)

// TestBehind writes contents in pieces of many lengths: the hash gets all of it, in its order.
func TestBehind(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, behindBlock, 3*behindBlock + 1, (behindMost + 2) * behindBlock} {
		content := []byte(large(size))
		h := sha256.New()
		b := writeBehind(h)
		for left, piece := content, 1; len(left) > 0; piece = 3*piece + 1 {
			n, err := b.Write(left[:min(piece, len(left))])
			if err != nil || n != min(piece, len(left)) {
				t.Fatalf("%d bytes were taken, %v", n, err)
			}
			left = left[n:]
		}
		b.end()
		if want := sha256.Sum256(content); !bytes.Equal(h.Sum(nil), want[:]) {
			t.Errorf("%d bytes: another hash", size)
		}
	}
}
