package remote

import (
	"testing"
	"time"
)

// TestWriteRoom grows over a long line as long as it is full, and then keeps to the rate that was measured; what is given as most holds
// for the growth alone.
func TestWriteRoom(t *testing.T) {
	t.Parallel()
	const trip, piece = 50 * time.Millisecond, 64 << 10
	for _, row := range []struct {
		name        string
		first, full int           // bytes of the room at first, and in flight
		trip        time.Duration // round trip
		most        float64
		measured    float64 // bytes in the second that ends with the first answer; 0 is none
		want        int
	}{
		{"full", farWindow, farWindow, trip, laneWindow, 0, 2 * farWindow},
		{"full, and nearly as large as may be", farWindow, farWindow, trip, farWindow + piece, 0, farWindow + piece},
		{"one at a time", farWindow, piece, trip, laneWindow, 0, farWindow},
		{"nearby", nearWindow, nearWindow, time.Millisecond, laneWindow, 0, nearWindow},
		{"a server with a small window", leastWindow, leastWindow, trip, 24 << 10, 0, leastWindow},
		{"measured", farWindow, farWindow, trip, 24 << 10, 10 << 20, windowFor(10<<20, trip)},
	} {
		var r writeRoom
		r.limit(row.first)
		for range row.full / piece {
			if err := r.take(piece); err != nil {
				t.Fatal(err)
			}
		}
		if row.measured > 0 {
			r.pace.began, r.pace.bytes = time.Now().Add(-time.Second), int64(row.measured)-piece
		}
		for range row.full / piece { // each makes room for the next
			r.answered(piece, row.trip, row.most)
			if err := r.take(piece); err != nil {
				t.Fatal(err)
			}
		}
		if got := r.bound(); got < row.want*99/100 || got > row.want {
			t.Errorf("%s: %d bytes may be in flight, want %d", row.name, got, row.want)
		}
	}
	var r writeRoom
	r.limit(laneWindow)
	if r.fit(0, trip); r.bound() != laneWindow {
		t.Error("no limit is one")
	}
	if r.fit(1<<20, trip); r.bound() != windowFor(1<<20, trip) {
		t.Errorf("%d bytes may be in flight under a limit", r.bound())
	}
}
