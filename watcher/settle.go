package watcher

import (
	"time"

	"github.com/dropferry/dropferry/file"
)

// sighting is what the watcher has seen of a file that may not be at rest. Its times come from time.Now and so carry
// the monotonic clock, which steps of the wall clock do not touch.
type sighting struct {
	print   file.Fingerprint // at the last look
	first   time.Time        // of the first look
	changed time.Time        // of the last look that found it different from the one before; zero: none did
	ahead   time.Duration    // by so much the wall clock was set forward between the file's stamps and the first look
}

// settle tells whether a file has been quiet for its quiet time at now, and if not, when it will have been.
//
// The time stamps of the file count once: a file that has lain unchanged before it was first seen need not wait for
// that time again. From then on only what the watcher saw counts, by the monotonic clock: stamps can be set, lie in the
// future, or be those of a server whose clock differs.
func settle(s sighting, now time.Time, quiet time.Duration) (until time.Time, ready bool) {
	since := s.changed
	if since.IsZero() {
		since = s.first.Add(-max(age(s.print, s.first)-s.ahead, 0))
	}
	until = since.Add(quiet)
	return until, !now.Before(until)
}

// maxAge bounds what age returns, far above any quiet time and far below where a time.Time loses its monotonic part.
const maxAge = 30 * 24 * time.Hour

// age is for how long a file's stamps say that it had been at rest at seen. Stamps in the future say nothing: 0.
func age(f file.Fingerprint, seen time.Time) time.Duration {
	return min(max(seen.Sub(f.LastChange(seen)), 0), maxAge)
}
