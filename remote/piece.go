package remote

import (
	"encoding/binary"
	"sync"
)

// piece is a part of a source that goes in one WRITE, or a checkpoint that is due behind what came before it.
type piece struct {
	mark *Mark
	data []byte // behind the room for the head of its WRITE
	all  []byte
}

const (
	// longestHandle is what the protocol allows: draft-ietf-secsh-filexfer-02, section 6.2.
	longestHandle = 256
	// headRoom is kept free before the data of a piece, for the head of its WRITE.
	headRoom = longestHandle + 32
)

// pieces are used again: a large upload needs one every half millisecond.
var pieces = sync.Pool{New: func() any { b := make([]byte, headRoom+maxWrite); return &b }}

// newPiece returns room for n bytes.
func newPiece(n int) *piece {
	if n <= safeWrite {
		all := make([]byte, headRoom+n)
		return &piece{all: all, data: all[headRoom:]}
	}
	all := *pieces.Get().(*[]byte)
	return &piece{all: all, data: all[headRoom : headRoom+n]}
}

// free gives the piece's memory back. It is not to be used any more.
func (p *piece) free() {
	if len(p.all) == headRoom+maxWrite {
		pieces.Put(&p.all)
	}
}

// write returns the WRITE of the piece, id left open.
func (p *piece) write(handle string, offset int64) []byte {
	head := 4 + 1 + 4 + 4 + len(handle) + 8 + 4
	packet := p.all[headRoom-head : headRoom+len(p.data)]
	b := binary.BigEndian.AppendUint32(packet[:0], uint32(len(packet)-4))
	b = append(b, packetWrite)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = appendString(b, handle)
	b = binary.BigEndian.AppendUint64(b, uint64(offset))
	binary.BigEndian.AppendUint32(b, uint32(len(p.data)))
	return packet
}
