package watcher

import (
	"testing"
	"time"
)

func TestAgenda(t *testing.T) {
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	fresh := func() *agenda {
		a := &agenda{tempo: defaultTempo(), rescan: time.Hour, poll: time.Minute, due: start}
		a.done(at(0), at(100*time.Millisecond), false, true, false)
		return a
	}

	t.Run("regular scans are scattered", func(t *testing.T) {
		a, different := fresh(), false
		before := a.due
		for range 100 {
			a.done(start, start, false, true, false)
			if wait := a.due.Sub(start); wait < 45*time.Minute || wait > 75*time.Minute {
				t.Fatalf("the next scan is in %v", wait)
			}
			different = different || !a.due.Equal(before)
		}
		if !different {
			t.Error("all scans are the same time apart")
		}
	})
	t.Run("polling", func(t *testing.T) {
		a := fresh()
		a.done(start, start, true, true, false)
		if wait := a.due.Sub(start); wait != time.Minute {
			t.Errorf("the next scan is in %v", wait)
		}
	})
	t.Run("what is gone waits for the last scan to cool down", func(t *testing.T) {
		a := fresh()
		a.ask(at(time.Second))
		if wait := a.due.Sub(start); wait != 10*time.Second+100*time.Millisecond {
			t.Errorf("the next scan is in %v", wait)
		}
		a = fresh()
		a.ask(at(time.Minute))
		if wait := a.due.Sub(start); wait != time.Minute+2*time.Second {
			t.Errorf("a minute later the next scan is in %v", wait)
		}
	})
	t.Run("long scans take a tenth of the time", func(t *testing.T) {
		a := fresh()
		a.done(at(0), at(20*time.Second), false, true, false)
		a.ask(at(21 * time.Second))
		if wait := a.due.Sub(start); wait != 220*time.Second {
			t.Errorf("the next scan is in %v", wait)
		}
	})
	t.Run("an earlier scan stays", func(t *testing.T) {
		a := fresh()
		a.by(at(3 * time.Second))
		a.ask(at(3 * time.Second))
		if wait := a.due.Sub(start); wait != 3*time.Second {
			t.Errorf("the next scan is in %v", wait)
		}
	})
	t.Run("faults back off and are forgiven", func(t *testing.T) {
		a, now := fresh(), at(time.Minute)
		for _, want := range []time.Duration{1, 2, 4, 8} {
			a.fault(now)
			if wait := a.due.Sub(now); wait != want*time.Second {
				t.Errorf("the scan after a fault is in %v, want %v", wait, want*time.Second)
			}
			a.done(now, now, false, true, false)
		}
		now = now.Add(time.Hour)
		a.done(now, now, false, true, false)
		a.fault(now)
		if wait := a.due.Sub(now); wait != time.Second {
			t.Errorf("an hour later the scan after a fault is in %v", wait)
		}
	})
	t.Run("failed scans are repeated", func(t *testing.T) {
		a := fresh()
		for _, want := range []time.Duration{1, 2, 4} {
			a.done(start, start, false, false, true)
			if wait := a.due.Sub(start); wait != want*time.Second {
				t.Errorf("the next scan is in %v, want %v", wait, want*time.Second)
			}
		}
	})
	t.Run("incomplete scans are repeated, less eagerly", func(t *testing.T) {
		a := fresh()
		for _, want := range []time.Duration{1, 2, 4} {
			a.done(start, start, false, false, false)
			if wait := a.due.Sub(start); wait != want*time.Minute {
				t.Errorf("the next scan is in %v, want %v", wait, want*time.Minute)
			}
		}
	})
}
