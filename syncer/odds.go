package syncer

import (
	"sync/atomic"
	"time"
)

// oddsMisses is the one of how many comparisons that is made all the same where they have been in vain.
const oddsMisses = 16

// odds tell whether it is worth reading a file only to compare it with others of its size that the destination has. Where all files
// have one size, as records and images of disks have, each would be read twice for nothing.
type odds struct{ misses, asked atomic.Int64 }

// worth tells whether a file is to be compared, by how much time that spares where it is what the destination has, and takes in any
// case. That is as likely as one find in all the misses since the last one and one more each.
func (o *odds) worth(gain, cost time.Duration) bool {
	if o == nil {
		return gain > 2*cost
	}
	misses := o.misses.Load()
	if gain > time.Duration(misses+2)*cost {
		return true
	}
	return gain > cost && o.asked.Add(1)%oddsMisses == 0
}

// note takes whether the destination had the content of a file that was compared.
func (o *odds) note(found bool) {
	switch {
	case o == nil:
	case found:
		o.misses.Store(0)
	default:
		o.misses.Add(1)
	}
}
