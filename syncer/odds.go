package syncer

import "sync/atomic"

const (
	// oddsMisses is after how many vain comparisons in a row only one of so many is made.
	oddsMisses = 16
	// oddsSize is the size in bytes from which each is worth its while: sending takes much longer than reading.
	oddsSize = 16 << 20
)

// odds tell whether it is worth reading a file only to compare it with others of its size that the destination has. Where all files
// have one size, as records and images of disks have, each would be read twice for nothing.
type odds struct{ misses, asked atomic.Int64 }

// worth tells whether a file of that size is to be compared.
func (o *odds) worth(size int64) bool {
	return o == nil || size >= oddsSize || o.misses.Load() < oddsMisses || o.asked.Add(1)%oddsMisses == 0
}

// note takes what came of it: whether a file was compared at all, and whether the destination had its content.
func (o *odds) note(compared, found bool) {
	switch {
	case o == nil || !compared:
	case found:
		o.misses.Store(0)
	default:
		o.misses.Add(1)
	}
}
