// Package chunk finds out what of a file is new, without the version before it: from an index of that version, which takes 2 MiB
// for each GiB, it plans what of the new one can be copied from the old one and what has to be written.
//
// Content is cut where its own bytes say so (Gear hashing, as in FastCDC, Xia et al., USENIX ATC 2016): a byte that is inserted moves
// the cuts behind it along, and changes one chunk or two. Chunks have 64 KiB on average. Each consists of blocks of 4 KiB,
// and the index has a hash of each of those: where a chunk is not found, its neighbours that were tell how far content has moved, and the
// blocks that stood there are compared one by one. So a change in place costs the blocks that it touches, and not whole chunks.
//
// The hashes are XXH64. They are no proof: two different blocks may have the same one, by chance once in 2^64 comparisons or because somebody made
// them so. Whoever builds a file by such a plan compares a cryptographic hash of the result with that of the content, as is done after
// each upload anyway, and that decides. A stronger hash here would cost half of the speed and prove nothing more.
//
// The package knows neither files nor servers.
package chunk

import "math"

// scale says how content is cut and what an index holds of it. It is the same for all; tests have a smaller one.
type scale struct {
	least, most int    // bytes of a chunk; the last one of a content may be shorter
	ends        uint64 // a chunk ends behind the byte with which its Gear hash is at most this
	block       int    // bytes of a block; the last one of a chunk may be shorter

	// A larger file gets no larger index than these allow. Up to detailed bytes, an index holds blocks, which are 2.1 MiB a GiB; behind
	// them chunks alone, 0.2 MiB a GiB; and nothing of what is behind known bytes, which is written anew each time.
	detailed, known int64

	// So many bytes in which no chunk is known are kept until one is, whose distance from its old place may be theirs too. That is more than
	// twice a chunk and a block.
	window int

	longest int64 // bytes of a span that is copied: what has been found of it can be made use of while more is

	spare int // so many bytes more than that are read before they are cut: those that are left have to be moved
}

// usual bounds an index at 44 MiB, or 60 MiB in memory. A chunk looks for its end from 16 KiB on and finds it 48 KiB later on average. What
// changes here, or in gear, changes the version of the encoding too, but for the last three.
var usual = scale{
	least: 16 << 10, most: 256 << 10, ends: math.MaxUint64 / (48 << 10), block: 4 << 10,
	detailed: 16 << 30, known: 64 << 30,
	window: 4 << 20, longest: 16 << 20, spare: 256 << 10,
}

// reach is how many bytes a Gear hash sees: what is older has been shifted out of it.
const reach = 64

// cut returns how long the first chunk of data is. There have to be at least s.most bytes, or all that are left.
func (s *scale) cut(data []byte) int {
	n := min(len(data), s.most)
	if n <= s.least {
		return n
	}
	var h uint64
	for _, b := range data[max(0, s.least-reach):s.least] {
		h = h<<1 + gear[b]
	}
	at, ends := s.least, s.ends
	for rest := data[at:n]; len(rest) >= 4; rest, at = rest[4:], at+4 { // four at a time, a third faster than one
		h1 := h<<1 + gear[rest[0]]
		h2 := h1<<1 + gear[rest[1]]
		h3 := h2<<1 + gear[rest[2]]
		h = h3<<1 + gear[rest[3]]
		if h1 <= ends {
			return at + 1
		}
		if h2 <= ends {
			return at + 2
		}
		if h3 <= ends {
			return at + 3
		}
		if h <= ends {
			return at + 4
		}
	}
	for ; at < n; at++ {
		if h = h<<1 + gear[data[at]]; h <= ends {
			return at + 1
		}
	}
	return n
}

// blocks returns how many blocks a chunk of so many bytes has.
func (s *scale) blocks(length int) int { return (length + s.block - 1) / s.block }

// gear is a random number for each byte, the same in each process (SplitMix64, Steele et al., OOPSLA 2014).
var gear = func() (t [256]uint64) {
	var x uint64
	for i := range t {
		x += 0x9e3779b97f4a7c15
		z := x
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		t[i] = z ^ z>>31
	}
	return t
}()
