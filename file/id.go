package file

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// NewID returns a new id of an intent, which is also the id of the delivery that comes of it: 48 bits of milliseconds
// and 32 random bits in 16 letters. Ids of one agent sort roughly by time; nothing depends on it.
func NewID(now time.Time) string {
	var b [10]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	rand.Read(b[6:]) // never fails: see crypto/rand
	out := make([]byte, 0, idLen)
	for i := 0; i < 10; i += 5 { // five bytes make eight letters
		v := uint64(b[i])<<32 | uint64(b[i+1])<<24 | uint64(b[i+2])<<16 | uint64(b[i+3])<<8 | uint64(b[i+4])
		for shift := 35; shift >= 0; shift -= 5 {
			out = append(out, idAlphabet[v>>shift&31])
		}
	}
	return string(out)
}
