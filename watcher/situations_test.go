package watcher

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestBusyWait(t *testing.T) {
	tempo := defaultTempo()
	var waited time.Duration
	looks := 0
	for waited < time.Minute {
		wait := tempo.busyWait(looks, waited)
		if wait < 250*time.Millisecond || wait > 2*time.Second {
			t.Fatalf("look %d after %v: %v", looks, waited, wait)
		}
		waited += wait
		looks++
	}
	if looks < 30 || looks > 40 {
		t.Errorf("%d looks in the first minute", looks)
	}
	for waited, want := range map[time.Duration]time.Duration{
		0: 250 * time.Millisecond, time.Minute: 7500 * time.Millisecond, 2 * time.Minute: 15 * time.Second,
		4 * time.Minute: 30 * time.Second, 24 * time.Hour: 30 * time.Second,
	} {
		if got := tempo.busyWait(0, waited); got != want {
			t.Errorf("after %v: %v, want %v", waited, got, want)
		}
	}
}

// A file that was only waiting for its writer is ready soon after it is closed, at the pace of real life.
func TestRunNoticesCloseSoon(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	busy := defaultTempo()
	w.tempo.busyLeast, w.tempo.busySoon, w.tempo.busyFirst, w.tempo.busyMost = busy.busyLeast, busy.busySoon, busy.busyFirst, busy.busyMost
	rec := startWatching(t, w)
	f, err := os.Create(filepath.Join(root, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	eventually(t, "the file is being written", func() bool {
		waiting := w.Waiting()
		return len(waiting) == 1 && waiting[0].Reason == reasonWriting
	})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	closed := time.Now()
	eventually(t, "the file is ready", func() bool { return rec.isReady("open") })
	if took := time.Since(closed); took > 10*time.Second {
		t.Errorf("noticed after %v", took)
	}
}

// A file that does not become ready for an hour is something to tell a person, and no error.
func TestRunTellsOfStuckFiles(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, Ready: ReadyMarker, Marker: "{name}.done"})
	write(t, filepath.Join(root, "a"), "x")
	rec := startWatching(t, w)
	eventually(t, "the file waits", func() bool { return rec.status().Settling == 1 })
	if s := rec.status(); s.Stuck != 0 || w.Stuck(time.Time{}, 1).Count != 0 {
		t.Errorf("stuck at once: %+v", s)
	}
	w.settling.mu.Lock()
	w.settling.byPath["a"].first = time.Now().Add(-StuckAfter)
	w.settling.mu.Unlock()
	eventually(t, "the status tells", func() bool { return rec.status().Stuck == 1 })
	if s := rec.status(); s.State != Watching || s.Reason != "" {
		t.Errorf("status %+v", s)
	}
	if stuck := w.Stuck(time.Time{}, 5).First; len(stuck) != 1 || stuck[0].Path != "a" || stuck[0].Reason != "waiting for its marker a.done" {
		t.Errorf("stuck: %+v", stuck)
	}
	write(t, filepath.Join(root, "a.done"), "")
	eventually(t, "nothing is stuck", func() bool { return rec.status().Stuck == 0 && rec.isReady("a") })
}

// What happens to files in practice: whatever it is, what is handed over in the end is the last version, and none before
// it was at rest.
func TestRunHandsOverTheLastVersion(t *testing.T) {
	long := time.Now().Add(-24 * time.Hour)
	for name, do := range map[string]func(t *testing.T, name string){
		"empty": func(t *testing.T, name string) { write(t, name, "") },
		"rewritten in place": func(t *testing.T, name string) {
			for _, content := range []string{"one", "two", "six", "ten"} {
				write(t, name, content)
			}
		},
		"truncated and written again": func(t *testing.T, name string) {
			write(t, name, "a long first version")
			if err := os.Truncate(name, 0); err != nil {
				t.Fatal(err)
			}
			write(t, name, "short")
		},
		"replaced by renames": func(t *testing.T, name string) {
			for _, content := range []string{"one", "two", "six"} {
				write(t, name+".tmp", content)
				rename(t, name+".tmp", name)
			}
		},
		"replaced by an older file": func(t *testing.T, name string) {
			write(t, name, "new")
			write(t, name+".tmp", "old")
			setTime(t, name+".tmp", long)
			rename(t, name+".tmp", name)
		},
		"restored with an old time": func(t *testing.T, name string) { write(t, name, "x"); setTime(t, name, long) },
		"with a time in the future": func(t *testing.T, name string) { write(t, name, "x"); setTime(t, name, time.Now().AddDate(1, 0, 0)) },
		"changed with its time put back": func(t *testing.T, name string) {
			write(t, name, "one")
			at := lstat(t, name).Modified()
			write(t, name, "two")
			setTime(t, name, at)
		},
		"sparse": func(t *testing.T, name string) {
			write(t, name, "head")
			if err := os.Truncate(name, 1<<32); err != nil {
				t.Fatal(err)
			}
		},
		"removed and made again": func(t *testing.T, name string) {
			write(t, name, "one")
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
			write(t, name, "two")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			rec := startWatching(t, newQuick(t, Rules{Root: root}))
			at := filepath.Join(root, "file")
			do(t, at)
			eventually(t, "the last version is ready", func() bool {
				e, ok := rec.readyEntry("file")
				return ok && e.Fingerprint == lstat(t, at)
			})
			e, _ := rec.readyEntry("file")
			if quiet := e.Seen.Sub(time.Unix(0, e.Fingerprint.ChangeTime)); quiet < quickTempo().probed/2 {
				t.Errorf("handed over %v after the last change", quiet)
			}
		})
	}
}

// Whatever becomes of a file while it is read, the reader is told, and the watcher hands over what is there then.
func TestReplacedWhileItIsRead(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "a")
	write(t, name, "first")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
	e, _ := rec.readyEntry("a")
	s, err := Open(root, "a", e.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	write(t, name+".tmp", "other")
	rename(t, name+".tmp", name)
	var first [5]byte
	if _, err := s.ReadAt(first[:], 0); err != nil || string(first[:]) != "first" {
		t.Errorf("read %q, %v: not the version that was opened", first, err)
	}
	if s.Unchanged() == nil {
		t.Error("the replacement is not noticed")
	}
	eventually(t, "the other version is ready", func() bool {
		e, _ := rec.readyEntry("a")
		return e.Fingerprint == lstat(t, name)
	})
}
