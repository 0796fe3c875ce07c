package watcher

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"
)

// A call into a file system that does not answer, a share whose server is gone, say, comes back when that is there again, and
// nothing can cancel it. So the work on a folder has a goroutine of its own, whose progress is watched from outside: that it
// hangs is said, and whoever waits for its end is let go. What is left behind ends with the call, and tells the sink nothing
// any more.

// ErrHangs is of a folder whose file system does not answer.
var ErrHangs = errors.New("its file system does not answer")

// progress shows from outside whether the work on a folder gets on.
type progress struct {
	steps atomic.Uint64
	idle  atomic.Bool // it waits for something to do, or for the sink: that is nothing of the file system's
}

// step is for each call into the file system, or a few.
func (p *progress) step() { p.steps.Add(1) }

// rest begins a wait. What it returns ends it.
func (p *progress) rest() (work func()) {
	p.idle.Store(true)
	return p.work
}

func (p *progress) work() {
	p.steps.Add(1)
	p.idle.Store(false)
}

// fence is a Sink that can be shut: then it lets nothing through any more.
type fence struct {
	sink     Sink
	progress *progress

	mu   sync.Mutex
	busy bool // the sink is being called
	left atomic.Bool
}

// enter begins a call of the sink; false where it must not be called any more.
func (f *fence) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left.Load() {
		return false
	}
	f.busy = true
	f.progress.rest()
	return true
}

func (f *fence) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	f.progress.work()
}

// shut lets nothing through from now on. It returns false while the sink is being called.
func (f *fence) shut() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.busy {
		f.left.Store(true)
	}
	return !f.busy
}

// Scan implements Sink. Between two entries the sink waits for the file system; when it is left there, its context has ended.
func (f *fence) Scan(ctx context.Context, entries iter.Seq[Entry]) error {
	if !f.enter() {
		return ErrHangs
	}
	defer f.leave()
	return f.sink.Scan(ctx, func(yield func(Entry) bool) {
		f.leave()
		defer f.enter()
		for e := range entries {
			if f.left.Load() {
				yield(Entry{Kind: Dir, Err: ErrHangs}) // nothing is to be made of what it has seen
				return
			}
			work := f.progress.rest()
			on := yield(e)
			work()
			if !on {
				return
			}
		}
	})
}

// Ready implements Sink.
func (f *fence) Ready(ctx context.Context, entries []Entry) error {
	if !f.enter() {
		return ErrHangs
	}
	defer f.leave()
	return f.sink.Ready(ctx, entries)
}

// Status implements Sink.
func (f *fence) Status(s Status) {
	if f.enter() {
		defer f.leave()
		f.sink.Status(s)
	}
}

// guard lets work have its end or, where the file system hangs, goes on without it: soon after ctx has ended, and after
// giveUp in any case, unless that is 0. The work's context ends then. A sink that is slow is waited for, unless ctx has ended.
func (w *Watcher) guard(ctx context.Context, sink Sink, giveUp time.Duration, work func(context.Context, Sink) error) error {
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &fence{sink: sink, progress: &w.progress}
	w.progress.work()
	done := make(chan error, 1)
	go func() { done <- work(working, f) }() // is waited for as long as it gets on
	var seen uint64
	var told *Status // what was said before it was said that it hangs
	since, stepped := time.Now(), time.Now()
	ticker := time.NewTicker(w.tempo.stall / 10)
	defer ticker.Stop()
	ending := false
	for end := ctx.Done(); ; {
		select {
		case err := <-done:
			return err
		case <-end:
			end, ending, stepped = nil, true, time.Now()
			ticker.Reset(w.tempo.leave / 10)
			continue
		case <-ticker.C:
		}
		steps := w.progress.steps.Load()
		if steps != seen {
			stepped = time.Now()
		}
		if ending && time.Since(stepped) >= w.tempo.stall { // the sink itself may have asked the file system
			f.left.Store(true)
			return w.hangs(ctx, time.Since(stepped))
		}
		if steps != seen || w.progress.idle.Load() {
			seen, since = steps, time.Now()
			if told != nil {
				w.tell(sink, func(s *Status) {
					if s.State == Hanging {
						*s = *told
					}
				})
				told = nil
			}
			continue
		}
		hung := time.Since(since)
		if ending && hung >= w.tempo.leave || giveUp > 0 && hung >= giveUp {
			if f.shut() {
				return w.hangs(ctx, hung)
			}
			continue
		}
		if told == nil && hung >= w.tempo.stall {
			before := w.tell(sink, func(s *Status) { s.State, s.Reason = Hanging, hangsReason(w.rules.Root) })
			told = &before
		}
	}
}

func (w *Watcher) hangs(ctx context.Context, hung time.Duration) error {
	w.log.Warn("left a folder whose file system does not answer", "root", w.rules.Root, "seconds", int(hung.Seconds()))
	return fmt.Errorf("%s: %w", w.rules.Root, errors.Join(ErrHangs, ctx.Err()))
}

func hangsReason(root string) string {
	return fmt.Sprintf("The file system of %s does not answer. What is there is not known until it does; nothing is taken for gone.", root)
}
