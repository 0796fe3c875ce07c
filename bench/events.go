package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/watcher"
)

// noticed measures the watcher alone: from the rename of a file into the folder until it is handed over.
func (s *stage) noticed(ctx context.Context, n int) (found latencies, err error) {
	dir, remove, err := s.own("events")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove()) }()
	root := filepath.Join(dir, "folder")
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	h, err := hear(ctx, watcher.Rules{Root: root, Ready: watcher.ReadyRename})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.end()) }()
	for i := range n {
		name := fmt.Sprint("file-", i)
		made := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(made, make([]byte, 4<<10), 0o600), rest(ctx, time.Duration(20+i*7%23)*time.Millisecond)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := os.Rename(made, filepath.Join(root, name)); err != nil {
			return nil, err
		}
		if err := h.await(ctx, file.Path(name), 10*time.Second); err != nil {
			return nil, err
		}
		found = append(found, time.Since(began))
	}
	return found, nil
}

// hearer is a watcher at work whose files are counted.
type hearer struct {
	cancel context.CancelFunc
	ended  chan struct{}
	err    error

	watching chan struct{}
	once     sync.Once
	news     chan struct{} // holds a token: look again

	mu    sync.Mutex
	seen  map[file.Path]bool
	scans int
	last  watcher.Status
}

// hear starts a watcher and waits until it watches. end ends it.
func hear(ctx context.Context, rules watcher.Rules) (*hearer, error) {
	w, err := watcher.New(rules, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	h := &hearer{
		cancel: cancel, ended: make(chan struct{}), watching: make(chan struct{}), news: make(chan struct{}, 1), seen: map[file.Path]bool{},
	}
	go func() { // ends with ctx, which end waits for
		defer close(h.ended)
		h.err = w.Run(ctx, h)
	}()
	select {
	case <-h.watching:
		return h, nil
	case <-h.ended:
		return nil, errors.Join(errors.New("the watcher has ended"), h.end())
	}
}

// await waits until a file was handed over.
func (h *hearer) await(ctx context.Context, p file.Path, limit time.Duration) error {
	return h.awaitThat(ctx, limit, func() bool { return h.seen[p] })
}

// awaitCount waits until so many files were handed over.
func (h *hearer) awaitCount(ctx context.Context, n int, limit time.Duration) error {
	return h.awaitThat(ctx, limit, func() bool { return len(h.seen) >= n })
}

var errNotHeard = errors.New("not handed over in time")

func (h *hearer) awaitThat(ctx context.Context, limit time.Duration, holds func() bool) error {
	over := time.NewTimer(limit)
	defer over.Stop()
	for {
		h.mu.Lock()
		ok := holds()
		h.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-over.C:
			return errNotHeard
		case <-h.ended:
			return errors.New("the watcher has ended")
		case <-h.news:
		}
	}
}

func (h *hearer) end() error {
	h.cancel()
	<-h.ended
	return h.err
}

// Scan counts files that are ready.
func (h *hearer) Scan(_ context.Context, entries iter.Seq[watcher.Entry]) error {
	for e := range entries {
		if e.Kind == watcher.File && e.Ready {
			h.mu.Lock()
			h.seen[e.Path] = true
			h.mu.Unlock()
		}
	}
	h.mu.Lock()
	h.scans++
	h.mu.Unlock()
	h.tell()
	return nil
}

// Ready counts files.
func (h *hearer) Ready(_ context.Context, entries []watcher.Entry) error {
	h.mu.Lock()
	for i := range entries {
		h.seen[entries[i].Path] = true
	}
	h.mu.Unlock()
	h.tell()
	return nil
}

// Status waits for the watcher to watch.
func (h *hearer) Status(st watcher.Status) {
	h.mu.Lock()
	h.last = st
	h.mu.Unlock()
	if st.State == watcher.Watching {
		h.once.Do(func() { close(h.watching) })
	}
}

func (h *hearer) tell() {
	select {
	case h.news <- struct{}{}:
	default: // there is a token
	}
}
