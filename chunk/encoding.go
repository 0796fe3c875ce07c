package chunk

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/cespare/xxhash/v2"
)

// version is the first byte of an encoded index. It stands for the cutting and the hashes too: indexes of different versions have
// nothing to say to each other.
const version = 1

// An encoded index is
//
//	1 byte   version
//	uvarint  bytes of the content
//	uvarint  chunks
//	uvarint  how many of them, from the first one, have their blocks here
//	uvarint  the length of each chunk
//	8 bytes  the hash of each block, or of each chunk without blocks
//	8 bytes  XXH64 of all before
//
// with numbers of 8 bytes in little endian.
var (
	_ encoding.BinaryMarshaler   = (*Index)(nil)
	_ encoding.BinaryUnmarshaler = (*Index)(nil)
)

var (
	errDamaged = errors.New("the index is damaged")
	errVersion = errors.New("the index is of another version of dropferry")
)

// MarshalBinary returns the index in a form that UnmarshalBinary reads. It never fails.
func (x *Index) MarshalBinary() ([]byte, error) {
	detailed := 0
	for detailed < len(x.pieces) && x.pieces[detailed].first != coarse {
		detailed++
	}
	b := make([]byte, 0, 64+len(x.pieces)*binary.MaxVarintLen32+8*(len(x.hashes)+len(x.pieces)-detailed))
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(x.size))
	b = binary.AppendUvarint(b, uint64(len(x.pieces)))
	b = binary.AppendUvarint(b, uint64(detailed))
	for _, p := range x.pieces {
		b = binary.AppendUvarint(b, uint64(p.length))
	}
	for _, h := range x.hashes {
		b = binary.LittleEndian.AppendUint64(b, h)
	}
	for _, p := range x.pieces[detailed:] {
		b = binary.LittleEndian.AppendUint64(b, p.key)
	}
	return binary.LittleEndian.AppendUint64(b, xxhash.Sum64(b)), nil
}

// UnmarshalBinary reads what MarshalBinary has written, into an index that nobody uses yet, and keeps nothing of b. An error is of an index
// that is damaged, or of another version; there is no way to read it then, and x stays what it was.
func (x *Index) UnmarshalBinary(b []byte) error {
	read, err := decode(&usual, b)
	if err == nil {
		*x = read
	}
	return err
}

func decode(s *scale, b []byte) (x Index, err error) {
	if len(b) < 1+8 {
		return x, errDamaged
	}
	b, sum := b[:len(b)-8], binary.LittleEndian.Uint64(b[len(b)-8:])
	if xxhash.Sum64(b) != sum {
		return x, errDamaged
	}
	if b[0] != version {
		return x, fmt.Errorf("%w: %d is not %d", errVersion, b[0], version)
	}
	r := reader{rest: b[1:]}
	size, count, detailed := r.uvarint(math.MaxInt64), r.uvarint(math.MaxInt32), r.uvarint(math.MaxInt32)
	if r.broken || detailed > count || count > uint64(len(r.rest)) { // which has to hold as many lengths
		return x, errDamaged
	}
	x = Index{size: int64(size), pieces: make([]piece, count)}
	at, blocks := int64(0), 0
	for i := range x.pieces {
		length := r.uvarint(uint64(s.most))
		if length == 0 || int64(length) > x.size-at {
			return Index{}, errDamaged
		}
		p := piece{at: at, length: uint32(length), first: coarse}
		if uint64(i) < detailed {
			p.first = int32(blocks)
			blocks += s.blocks(int(length))
		}
		x.pieces[i] = p
		at = p.end()
	}
	if r.broken || uint64(len(r.rest)) != 8*(uint64(blocks)+count-detailed) {
		return Index{}, errDamaged
	}
	x.hashes = make([]uint64, blocks)
	for i := range x.pieces {
		p := &x.pieces[i]
		if p.first == coarse {
			p.key = r.uint64()
			continue
		}
		n := s.blocks(int(p.length))
		p.key = xxhash.Sum64(r.rest[:8*n])
		for j := range n {
			x.hashes[int(p.first)+j] = r.uint64()
		}
	}
	return x, nil
}

// reader takes numbers off the front of what is left, and remembers that one was not there.
type reader struct {
	rest   []byte
	broken bool
}

// uvarint returns a number that is not above most, and 0 where there is none.
func (r *reader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > most {
		r.broken = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// uint64 returns the next 8 bytes, which have to be there.
func (r *reader) uint64() uint64 {
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}
