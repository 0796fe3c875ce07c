package watcher

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// clockAt is a reading of clocks that started at base: wall and mono have passed since, and the machine slept for asleep.
func clockAt(base time.Time, wall, mono, asleep time.Duration) reading {
	// A time.Time cannot be made with any pair of clocks; adding to it moves both, and a difference in the reading does
	// for the rest.
	return reading{at: base.Add(mono), skew: wall - mono, asleep: asleep, tells: true}
}

func TestReadingSince(t *testing.T) {
	base := time.Now()
	for _, tt := range []struct {
		name               string
		wall, mono, asleep time.Duration
		mute               bool
		want               drift
	}{
		{"nothing", time.Minute, time.Minute, 0, false, drift{}},
		{"slept", time.Hour, time.Minute, 59 * time.Minute, false, drift{slept: 59 * time.Minute}},
		{"set forward", time.Hour, time.Minute, 0, false, drift{stepped: 59 * time.Minute}},
		{"set back", -time.Hour, time.Minute, 0, false, drift{stepped: -61 * time.Minute}},
		{"slept and set forward", 3 * time.Hour, time.Hour, time.Hour, false, drift{slept: time.Hour, stepped: time.Hour}},
		{"either, where the system does not tell", time.Hour, time.Minute, 0, true, drift{slept: 59 * time.Minute, stepped: 59 * time.Minute}},
		{"set back, where it does not tell", -time.Hour, 0, 0, true, drift{stepped: -time.Hour}},
	} {
		before, now := clockAt(base, 0, 0, 0), clockAt(base, tt.wall, tt.mono, tt.asleep)
		now.tells = !tt.mute
		if got := now.since(before); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// The real clocks agree with each other while nothing happens.
func TestReadClocks(t *testing.T) {
	c := newClocks()
	for range 3 {
		if d := c.look(); d != (drift{}) {
			t.Errorf("%+v", d)
		}
	}
}

// A file that was stamped before the clock was set forward is not as old as it looks.
func TestInflated(t *testing.T) {
	base := time.Now()
	now := clockAt(base, 0, 0, 0)
	c := &clocks{read: func() reading { return now }}
	c.look()
	before := file.Fingerprint{ModTime: base.UnixNano()}
	if got := c.inflated(before, base); got != 0 {
		t.Errorf("before any step: %v", got)
	}
	now = clockAt(base, time.Hour+10*time.Second, 10*time.Second, 0)
	c.look()
	between := file.Fingerprint{ModTime: base.Add(time.Hour + 20*time.Second).UnixNano()}
	now = clockAt(base, 3*time.Hour+30*time.Second, 30*time.Second, 0)
	c.look()
	after := file.Fingerprint{ModTime: base.Add(3*time.Hour + 30*time.Second).UnixNano()}
	for name, tt := range map[string]struct {
		print file.Fingerprint
		want  time.Duration
	}{"before both steps": {before, 3 * time.Hour}, "between them": {between, 2 * time.Hour}, "after them": {after, 0}} {
		if got := c.inflated(tt.print, base); (got - tt.want).Abs() > time.Second {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	for i := range 10 * maxSteps {
		now = clockAt(base, time.Duration(i+4)*time.Hour, time.Minute, 0)
		c.look()
	}
	if len(c.steps) > maxSteps {
		t.Errorf("%d steps are kept", len(c.steps))
	}
	if got, want := c.inflated(before, base), time.Duration(10*maxSteps+3)*time.Hour; (got - want).Abs() > time.Minute {
		t.Errorf("after many steps: %v, want %v", got, want)
	}
}

// fakeClocks are clocks that a test can set.
type fakeClocks struct {
	mu           sync.Mutex
	skew, asleep time.Duration
}

func (f *fakeClocks) read() reading {
	f.mu.Lock()
	defer f.mu.Unlock()
	return reading{at: time.Now(), skew: f.skew, asleep: f.asleep, tells: true}
}

func (f *fakeClocks) set(skew, asleep time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.skew, f.asleep = skew, asleep
}

func TestRunScansAfterSleep(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	clocks := &fakeClocks{}
	w.clocks.read = clocks.read
	rec := startWatching(t, w)
	before := rec.scanned()
	clocks.set(time.Hour, time.Hour)
	eventually(t, "a scan after the sleep", func() bool { return rec.scanned() > before })
}

// The clock is set forward by an hour. A file written just before looks an hour old and is not.
func TestRunSettlesAcrossAStepForward(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, StableFor: 400 * time.Millisecond})
	clocks := &fakeClocks{}
	w.clocks.read = clocks.read
	w.clocks.look()
	name := filepath.Join(root, "new")
	write(t, name, "x")
	written := time.Now()
	clocks.set(time.Hour, 0)
	w.clocks.look()
	w.now = func() time.Time { return time.Now().Add(time.Hour) }
	rec := startWatching(t, w)
	if rec.isReady("new") && time.Since(written) < w.rules.StableFor {
		t.Error("ready at once: its stamp was believed")
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("new") })
	const tick = 10 * time.Millisecond // stamps of files are those of the kernel's last tick
	if quiet := time.Since(written); quiet < w.rules.StableFor-tick {
		t.Errorf("ready after %v", quiet)
	}
}

// The clock is set back by an hour: every stamp lies in the future. The files wait for their quiet time, not for an hour.
func TestRunSettlesAcrossAStepBack(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	w.now = func() time.Time { return time.Now().Add(-time.Hour) }
	write(t, filepath.Join(root, "old"), "x")
	rec := startWatching(t, w)
	write(t, filepath.Join(root, "new"), "x")
	for _, p := range []file.Path{"old", "new"} {
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
	}
}
