package syncer

import (
	"testing"
	"time"
)

// TestForecast decides by what is known of line and server.
func TestForecast(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	base := forecast{size: 512 * mib, send: 100 * mib, copy: 1000 * mib, hash: 400 * mib, hashed: true, trips: patchTrips}
	for _, row := range []struct {
		name   string
		change func(f *forecast)
		want   bool
	}{
		{"nothing new, a usual line", func(*forecast) {}, true},
		{"nothing new, a line faster than disks", func(f *forecast) { f.send = 600 * mib }, false},
		{"a slow line and half of it new", func(f *forecast) { f.send, f.literal = 5*mib, 256*mib }, true},
		{"a slow line and nearly all of it new", func(f *forecast) { f.send, f.literal = 5*mib, 480*mib }, false},
		{"a slow server", func(f *forecast) { f.copy = 50 * mib }, false},
		{"nobody would hash it otherwise", func(f *forecast) { f.hashed, f.send, f.hash = false, 200*mib, 300*mib }, false},
		{"a small file, far away", func(f *forecast) { f.size, f.trip, f.send = 2*mib, 50*time.Millisecond, 40*mib }, false},
		{"a small file on a slow line", func(f *forecast) { f.size, f.trip, f.send = 2*mib, 50*time.Millisecond, mib }, true},
		{"a small copy, nearby", func(f *forecast) { f.planned, f.trips, f.size = true, copyTrips, leastCopy }, true},
		{"a small copy, far away", func(f *forecast) {
			f.planned, f.trips, f.size, f.trip, f.send = true, copyTrips, leastCopy, 50*time.Millisecond, 5*mib
		}, false},
		{"a larger one", func(f *forecast) {
			f.planned, f.trips, f.size, f.trip, f.send = true, copyTrips, mib, 50*time.Millisecond, 5*mib
		}, true},
		{"a great many parts", func(f *forecast) { f.parts = 1 << 20 }, false},
		{"twice a gigabit", func(f *forecast) { f.send = 200 * mib }, true},
		{"and nothing is noted yet", func(f *forecast) { f.send, f.noted = 200*mib, true }, false},
		{"a gigabit, and nothing is noted yet", func(f *forecast) { f.send, f.noted = 110*mib, true }, true},
		{"what is known already costs nothing", func(f *forecast) { f.planned, f.send = true, 600*mib }, true},
	} {
		f := base
		row.change(&f)
		if got := f.worth(); got != row.want {
			t.Errorf("%s: %v by %v, %v put together", row.name, got, f.whole(), f.patched())
		}
	}
}

func TestRateIsLearned(t *testing.T) {
	t.Parallel()
	var r rate
	r.note(leastLearned-1, time.Second)
	r.note(leastLearned, 0)
	if got := r.or(7); got != 7 {
		t.Errorf("too little was learned from: %v", got)
	}
	r.note(8<<20, time.Second)
	r.note(4<<20, time.Second)
	if got := r.or(7); got != 6<<20 {
		t.Errorf("learned %v", got)
	}
}
