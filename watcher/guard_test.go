package watcher

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// dawdler is a Sink that takes its time: that is nothing of the file system's.
type dawdler struct {
	recorder
	wait time.Duration
}

func (d *dawdler) Scan(ctx context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		time.Sleep(d.wait) // see dawdler
	}
	time.Sleep(d.wait) // see dawdler
	return ctx.Err()
}

func (d *dawdler) Ready(context.Context, []Entry) error {
	time.Sleep(d.wait) // see dawdler
	return nil
}

// A sink that is slow, or waits for the disk of the store, is waited for.
func TestASlowSinkIsWaitedFor(t *testing.T) {
	w := newQuick(t, Rules{Root: "/srv/out"})
	w.tempo.leave = 20 * time.Millisecond
	d := &dawdler{wait: 150 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.guard(ctx, d, 20*time.Millisecond, func(ctx context.Context, sink Sink) error {
		err := sink.Ready(ctx, nil)
		return errors.Join(err, ignoreEnded(sink.Scan(ctx, slices.Values([]Entry{{Path: "a"}, {Path: "b"}}))))
	})
	if err != nil {
		t.Error(err)
	}
	for _, s := range d.statuses {
		if s.State == Hanging {
			t.Errorf("it is said to hang: %+v", s)
		}
	}
}

func ignoreEnded(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// One that does not come back at all when all is to end is left behind too: it may have asked the file system itself.
func TestASinkThatHangsAtTheEnd(t *testing.T) {
	w := newQuick(t, Rules{Root: "/srv/out"})
	w.tempo.stall, w.tempo.leave = 100*time.Millisecond, 20*time.Millisecond
	answers, ended := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := w.guard(ctx, readier{func() error { <-answers; return nil }}, 0, func(ctx context.Context, sink Sink) error {
		defer close(ended)
		return sink.Ready(ctx, nil)
	})
	if !errors.Is(err, ErrHangs) {
		t.Errorf("guard: %v", err)
	}
	close(answers)
	<-ended
}

// readier is a Sink of which only Ready is called.
type readier struct{ ready func() error }

func (readier) Scan(context.Context, iter.Seq[Entry]) error { return nil }
func (readier) Status(Status)                               {}
func (r readier) Ready(context.Context, []Entry) error      { return r.ready() }

// What was left behind tells the sink nothing any more: of a scan under way, that it cannot be trusted.
func TestWhatWasLeftBehindIsSilent(t *testing.T) {
	w := newQuick(t, Rules{Root: "/srv/out"})
	w.tempo.stall, w.tempo.leave = 10*time.Millisecond, 20*time.Millisecond
	answers, left, guarded := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	rec := &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		guarded <- w.guard(ctx, rec, 0, func(ctx context.Context, sink Sink) error {
			defer close(left)
			hangs := func(yield func(Entry) bool) {
				if yield(Entry{Path: "a"}) {
					<-answers
					yield(Entry{Path: "b"})
				}
			}
			if err := sink.Scan(ctx, hangs); err != nil {
				t.Errorf("scan: %v", err)
			}
			if err := sink.Ready(ctx, []Entry{{Path: "c"}}); !errors.Is(err, ErrHangs) {
				t.Errorf("ready: %v", err)
			}
			sink.Status(Status{State: Watching})
			return nil
		})
	}()
	eventually(t, "it hangs", func() bool { return rec.status().State == Hanging })
	cancel()
	if err := <-guarded; !errors.Is(err, ErrHangs) || !errors.Is(err, context.Canceled) {
		t.Errorf("guard: %v", err)
	}
	close(answers)
	<-left
	if all := rec.lastScan(); len(all) != 2 || all[0].Path != "a" || all[1].Path != "" || !errors.Is(all[1].Err, ErrHangs) {
		t.Errorf("scanned %+v", all)
	}
	if rec.isReady("c") || rec.status().State == Watching {
		t.Error("the sink was told")
	}
}

// A huge directory on a slow share takes its time: each part that is read shows that the work gets on.
func TestAListingShowsThatItGetsOn(t *testing.T) {
	root := t.TempDir()
	for i := range 5000 {
		write(t, filepath.Join(root, fmt.Sprintf("%060d", i)), "")
	}
	d, err := openRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	steps := 0
	ents, err := d.list(&listing{spares: spares{step: func() { steps++ }}})
	if err != nil || len(ents) != 5000 || steps < 3 {
		t.Errorf("%d names in %d steps: %v", len(ents), steps, err)
	}
}
