package e2e

import (
	"os"
	"time"
)

// The tables of crashes are long: of each a part is drawn for each run, so that a few runs have seen all of it. What was drawn stands in the
// names of the tests. DROPFERRY_EVERY_PAIR=1 plays everything.
var (
	everyPair = os.Getenv("DROPFERRY_EVERY_PAIR") == "1"
	turn      = int(time.Now().Unix() % 4)
)

// drawnOf returns which of two ways the i-th of a series of crashes is tried.
func drawnOf(i int) []bool {
	if everyPair {
		return []bool{false, true}
	}
	return []bool{isDrawn(i)}
}

// isDrawn tells whether the i-th of a series is tried: half of them are.
func isDrawn(i int) bool { return everyPair || (i+turn)%2 == 0 }

// isPairDrawn tells whether a pair of crashes is tried, with a partner or without: of those around the publication half, with or without
// the partner; of the others a quarter.
func isPairDrawn(first string, pair, partner int) bool {
	if everyPair {
		return true
	}
	with := (pair+turn)%2 == partner
	if first == "committed" || first == "published" {
		return with && pair/2%2 == turn%2
	}
	return with && pair/2%4 == turn
}
