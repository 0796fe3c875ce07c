package chunk

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// Index is what is known of a content: its chunks, and the hashes of their blocks. It does not change once it is made, and may be used
// by several at the same time. The zero value is the index of nothing.
type Index struct {
	size   int64
	pieces []piece  // in order, from the beginning, with nothing between
	hashes []uint64 // of the blocks of the pieces that have some
}

// piece is one chunk.
type piece struct {
	at     int64  // offset in the content
	key    uint64 // hash of the hashes of its blocks
	length uint32
	first  int32 // place of its first block in hashes; coarse if they are not kept
}

const coarse = -1

func (p piece) end() int64 { return p.at + int64(p.length) }

// Size returns the bytes of the content.
func (x *Index) Size() int64 { return x.size }

// Whole tells whether all of the content is known: the end of a very large one is not, and would be written anew.
func (x *Index) Whole() bool {
	known := int64(0)
	if n := len(x.pieces); n > 0 {
		known = x.pieces[n-1].end()
	}
	return known == x.size
}

// block is some bytes of a content, of which only the hash is known.
type block struct {
	at   int64
	size int64
	hash uint64
}

// within returns the blocks that lie between two offsets, whole, in order.
func (x *Index) within(s *scale, from, to int64) iter.Seq[block] {
	return func(yield func(block) bool) {
		i, _ := slices.BinarySearchFunc(x.pieces, from, func(p piece, at int64) int { return cmp.Compare(p.end(), at+1) })
		for ; i < len(x.pieces); i++ {
			p := x.pieces[i]
			if p.at >= to || p.first == coarse {
				return
			}
			for j := range s.blocks(int(p.length)) {
				b := block{at: p.at + int64(j*s.block), hash: x.hashes[int(p.first)+j]}
				b.size = min(int64(s.block), p.end()-b.at)
				if b.at < from {
					continue
				}
				if b.at+b.size > to || !yield(b) {
					return
				}
			}
		}
	}
}

// draft is an index that is being made.
type draft struct {
	Index
	*scale
	sums []byte
}

// note adds the next chunk of the content and returns it.
func (d *draft) note(data []byte) piece {
	d.sums = d.sums[:0]
	for b := range slices.Chunk(data, d.block) {
		d.sums = binary.LittleEndian.AppendUint64(d.sums, xxhash.Sum64(b))
	}
	p := piece{at: d.size, key: xxhash.Sum64(d.sums), length: uint32(len(data)), first: coarse}
	d.size = p.end()
	if p.end() > d.known {
		return p
	}
	if p.end() <= d.detailed {
		p.first = int32(len(d.hashes))
		for sum := range slices.Chunk(d.sums, 8) {
			d.hashes = append(d.hashes, binary.LittleEndian.Uint64(sum))
		}
	}
	d.pieces = append(d.pieces, p)
	return p
}

// index returns what was noted.
func (d *draft) index() *Index {
	x := d.Index
	return &x
}
