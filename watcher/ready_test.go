package watcher

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSettleWaits(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	write(t, filepath.Join(root, "done"), "x")
	w := newQuick(t, Rules{Root: root, StableFor: 50 * time.Millisecond})
	var open *os.File
	var rec *recorder
	// Where a moment passes between the two, the scan finds the file quiet already, and does not look who has it open.
	for first := true; first || rec.isReady("open"); first = false {
		var err error
		if open, err = os.Create(filepath.Join(root, "open")); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = open.Close() }()
		rec = &recorder{}
		if _, err := w.Scan(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	left, err := w.Settle(t.Context(), rec, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Path != "open" || left[0].Reason != reasonWriting {
		t.Errorf("left: %+v", left)
	}
	if e, ok := rec.readyEntry("done"); !ok || !e.Ready || e.Fingerprint != lstat(t, filepath.Join(root, "done")) {
		t.Errorf("done: %+v, %v", e, ok)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err = w.Settle(t.Context(), rec, patience); err != nil || len(left) != 0 || !rec.isReady("open") {
		t.Errorf("after close: left %+v, %v", left, err)
	}
}

// Where writers cannot be asked for, the default limit grows with the quiet time that the first look finds.
func TestSettleWaitsLongerWithoutProbe(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), "x")
	w := newQuick(t, Rules{Root: root})
	w.tempo.probed, w.tempo.remote = time.Millisecond, 100*time.Millisecond
	w.tempo.blind = w.tempo.remote
	rec := &recorder{}
	rec.during = func(Entry) {
		for dev := range w.fileSystems {
			w.fileSystems[dev] = networkFS
		}
	}
	started := lstat(t, filepath.Join(root, "a")).Modified() // the clock that a file gets its time from may be behind
	w.now = func() time.Time { return started }              // the scan takes no time, so the file is new
	if _, err := w.Scan(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	w.now = time.Now
	left, err := w.Settle(t.Context(), rec, 0)
	if err != nil || len(left) != 0 || !rec.isReady("a") {
		t.Errorf("left %+v, %v", left, err)
	}
	if took := time.Since(started); took < 50*time.Millisecond {
		t.Errorf("ready after %v", took)
	}
}

func TestSettleFails(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), "x")
	w := newQuick(t, Rules{Root: root, StableFor: 20 * time.Millisecond})
	rec := &recorder{readyErr: errors.New("disk full")}
	started := time.Now()
	w.now = func() time.Time { return started } // the scan takes no time, so the file is new
	if _, err := w.Scan(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	w.now = time.Now
	if left, err := w.Settle(t.Context(), rec, patience); !errors.Is(err, rec.readyErr) || len(left) != 1 {
		t.Errorf("left %+v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if left, err := w.Settle(ctx, rec, patience); !errors.Is(err, context.Canceled) || len(left) != 1 {
		t.Errorf("left %+v, %v", left, err)
	}
}
