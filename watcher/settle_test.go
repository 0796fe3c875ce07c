package watcher

import (
	"fmt"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestSettle(t *testing.T) {
	const quiet = 2 * time.Second
	first := time.Now()
	stamp := func(mtime, ctime time.Duration) file.Fingerprint {
		return file.Fingerprint{ModTime: first.Add(mtime).UnixNano(), ChangeTime: first.Add(ctime).UnixNano()}
	}
	never := time.Duration(-1)
	tests := []struct {
		name         string
		print        file.Fingerprint
		changed, now time.Duration // after the first look
		until        time.Duration
		ready        bool
	}{
		{"old when first seen", stamp(-time.Hour, -time.Hour), never, 0, -maxAge, true},
		{"just old enough", stamp(-time.Hour, -quiet), never, 0, 0, true},
		{"just not old enough", stamp(-time.Hour, -quiet+1), never, 0, 1, false},
		{"new", stamp(0, 0), never, 0, quiet, false},
		{"new, then quiet", stamp(0, 0), never, quiet, quiet, true},
		{"its age counts", stamp(-time.Second, -time.Second), never, time.Second, time.Second, true},
		{"old mtime, restored just now", stamp(-time.Hour, 0), never, 0, quiet, false},
		{"old ctime, mtime set to now", stamp(0, -time.Hour), never, 0, quiet, false},
		{"no ctime, old mtime", file.Fingerprint{ModTime: first.Add(-time.Hour).UnixNano()}, never, 0, -maxAge, true},
		{"mtime in the future", stamp(time.Hour, 0), never, 0, quiet, false},
		{"mtime in the future, then quiet", stamp(time.Hour, 0), never, quiet, quiet, true},
		{"mtime in the future, old ctime", stamp(time.Hour, -time.Hour), never, 0, -maxAge, true},
		{"mtime in the far future, old ctime", stamp(100*365*24*time.Hour, -time.Hour), never, 0, -maxAge, true},
		{"mtime in the future, no ctime", file.Fingerprint{ModTime: first.Add(time.Hour).UnixNano()}, never, 0, quiet, false},
		{"ctime in the future, then quiet", stamp(-time.Hour, time.Hour), never, quiet, quiet, true},
		{"seen to change", stamp(0, 0), time.Second, quiet, time.Second + quiet, false},
		{"seen to change, then quiet", stamp(0, 0), time.Second, time.Second + quiet, time.Second + quiet, true},
		{"seen to change behind old stamps", stamp(-time.Hour, -time.Hour), time.Second, quiet, time.Second + quiet, false},
		{"mtime before 1970", file.Fingerprint{ModTime: -1 << 62}, never, 0, -maxAge, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sighting{print: tt.print, first: first}
			if tt.changed != never {
				s.changed = first.Add(tt.changed)
			}
			until, ready := settle(s, first.Add(tt.now), quiet)
			if ready != tt.ready {
				t.Errorf("ready = %v, want %v", ready, tt.ready)
			}
			want := first.Add(tt.until)
			if tt.until == -maxAge {
				if until.After(first) {
					t.Errorf("until %v after the first look", until.Sub(first))
				}
			} else if d := until.Sub(want); d < -time.Microsecond || d > time.Microsecond {
				t.Errorf("until = first%+v, want first%+v", until.Sub(first), tt.until)
			}
		})
	}
}

// A step of the wall clock must neither release a file early nor hold it for ever.
func TestSettleIgnoresClockSteps(t *testing.T) {
	const quiet = 2 * time.Second
	first := time.Now()
	s := sighting{print: file.Fingerprint{ModTime: first.UnixNano(), ChangeTime: first.UnixNano()}, first: first}
	until, _ := settle(s, first, quiet)
	// Round(0) strips the monotonic clock, which is all that may count.
	if until.Sub(first) != quiet || until == until.Round(0) { //nolint:staticcheck // Equal does not see the monotonic clock
		t.Fatalf("until = %v has lost the monotonic clock", until)
	}
	if got := age(s.print, first.Add(-time.Hour)); got != 0 {
		t.Errorf("a clock set back makes the file %v old, want 0", got)
	}
}

func TestSettlingKeepsOrder(t *testing.T) {
	s := newSettling(marker{})
	now := time.Now()
	for i := range 1000 {
		n := (i * 7919) % 1000
		print := file.Fingerprint{Inode: uint64(n), ModTime: now.UnixNano(), ChangeTime: now.UnixNano()}
		s.observe(file.Path(fmt.Sprintf("f%03d", n)), print, now.Add(time.Duration(n)*time.Millisecond), time.Second, 0)
	}
	changed, _ := s.get("f000")
	s.observe("f000", file.Fingerprint{Inode: 5000}, now.Add(time.Minute), time.Second, 0)
	if changed.reason != reasonChanging || !changed.due.After(now.Add(time.Minute)) {
		t.Errorf("a changed file is due at %v as %q", changed.due.Sub(now), changed.reason)
	}
	s.drop("f001")
	if next, want := s.next(), now.Add(time.Second+2*time.Millisecond); next.Sub(want).Abs() > 2*time.Millisecond {
		t.Errorf("next = %v, want about %v", next.Sub(now), want.Sub(now))
	}
	due := s.due(now.Add(1500*time.Millisecond), 10)
	if len(due) != 10 {
		t.Fatalf("%d due, want the limit of 10", len(due))
	}
	for i := 1; i < len(due); i++ {
		if due[i-1].path >= due[i].path {
			t.Errorf("%s before %s", due[i-1].path, due[i].path)
		}
	}
	if n := s.len(); n != 999 {
		t.Errorf("%d left, want 999: looking does not take out", n)
	}
	for at := now; s.len() > 0; at = at.Add(time.Second) {
		for _, u := range s.due(at, 100) {
			if u.due.After(at) {
				t.Fatalf("%s is due at %v, was given at %v", u.path, u.due.Sub(now), at.Sub(now))
			}
			s.drop(u.path)
		}
		if at.After(now.Add(time.Hour)) {
			t.Fatal("some never become due")
		}
	}
}

func TestBackoff(t *testing.T) {
	for tries, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		if got := backoff(tries, time.Second, 30*time.Second); got != want*time.Second {
			t.Errorf("after %d tries: %v, want %v", tries, got, want*time.Second)
		}
	}
	if got := backoff(1000, time.Second, time.Minute); got != time.Minute {
		t.Errorf("after 1000 tries: %v", got)
	}
}
