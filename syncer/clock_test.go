package syncer

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestRemaining(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const longest = 5 * time.Minute
	for _, row := range []struct {
		name string
		end  time.Time
		want time.Duration
	}{
		{"never stored", time.Time{}, 0},
		{"passed", now.Add(-time.Hour), 0},
		{"now", now, 0},
		{"soon", now.Add(time.Minute), time.Minute},
		{"the longest", now.Add(longest), longest},
		{"the clock was put back by an hour", now.Add(time.Hour), longest},
		{"the clock was put back by ten years", now.AddDate(10, 0, 0), longest},
		{"the clock was put back by more than a duration can hold", now.AddDate(1000, 0, 0), longest},
		{"the clock was put forward by more than a duration can hold", now.AddDate(-1000, 0, 0), 0},
	} {
		if got := remaining(row.end, now, longest); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestNextProbe(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name       string
		stored     time.Time
		neverProbe bool
		want       time.Time
	}{
		{"as it was stored", now.Add(time.Minute), false, now.Add(time.Minute)},
		{"it is time", now.Add(-time.Minute), false, now.Add(-time.Minute)},
		{"the clock was put back", now.AddDate(10, 0, 0), false, now.Add(authRetry)},
		{"auth_retry is off", now.Add(-time.Minute), true, time.Time{}},
		{"auth_retry was off", time.Time{}, false, now.Add(authRetryFirst)},
	} {
		if got := nextProbe(row.stored, now, row.neverProbe); !got.Equal(row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

// TestSteady shows a wall clock that is set while time passes.
func TestSteady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var set time.Duration
		s := newSteady(func() time.Time { return time.Now().Add(set) })
		s.now()
		for _, row := range []struct {
			name string
			set  time.Duration // the wall clock, against the right time
			want time.Duration
		}{
			{"right", 0, 0},
			{"put back by an hour", -time.Hour, 0},
			{"put back by another", -2 * time.Hour, 0},
			{"put forward by an hour", -time.Hour, 0},
			{"right again", 0, 0},
			{"put forward by years", 10 * 365 * 24 * time.Hour, 10 * 365 * 24 * time.Hour},
			{"and right again", 0, 10 * 365 * 24 * time.Hour}, // it never goes back
		} {
			time.Sleep(time.Minute)
			set = row.set
			if got, want := s.now().Sub(start), time.Since(start)+row.want; got != want {
				t.Errorf("%s: it shows %v after %v, want %v", row.name, got, time.Since(start), want)
			}
		}
	})
}
