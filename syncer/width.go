package syncer

import "time"

const (
	// leastTransfers is how many files are under way at once where an answer takes no time: more gained nothing there.
	leastTransfers = 256
	// mostTransfers is about half of what OpenSSH lets an account open, a tenth of that in a second session.
	mostTransfers = 1000
	// smallFiles is how many small files a second are to be under way: no server takes more of them over one connection.
	smallFiles = 4000
	// tripsOfAFile is how many round trips one takes: open, write and close, prove, rename.
	tripsOfAFile = 5
)

// transfersFor returns how many files are under way at once over a line: so many that small ones keep it busy.
func transfersFor(roundTrip time.Duration) int {
	n := smallFiles * tripsOfAFile * roundTrip.Seconds()
	return int(max(leastTransfers, min(n, mostTransfers)))
}

// farFrom is the round trip from which on a line is a long one.
const farFrom = 4 * time.Millisecond

// budgetFor returns what the files under way may take of the memory, in bytes.
func budgetFor(roundTrip time.Duration) int64 {
	if roundTrip < farFrom {
		return memoryBudget
	}
	return farBudget
}
