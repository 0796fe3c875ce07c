package watcher

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// memoryDir returns a directory in memory where there is one: the floods are about the watcher, and not about the disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "dropferry")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Directories made faster than they can be watched lose nothing, with no scan to help out.
func TestRunNestedDirectories(t *testing.T) {
	t.Parallel()
	rounds, each := 2000, 50
	if testing.Short() {
		rounds = 200
	}
	root := memoryDir(t)
	w := newQuick(t, Rules{Root: root})
	w.tempo.askGap, w.tempo.askDelay, w.tempo.cleanScans = time.Hour, time.Hour, 0
	sink := startCounting(t, w, func() {})
	for i := range rounds {
		dir := mkdir(t, filepath.Join(root, fmt.Sprint("r", i), "a", "b", "c"))
		for j := range each {
			create(t, filepath.Join(dir, fmt.Sprint("f", j)))
		}
	}
	eventually(t, "all files are ready", func() bool { return sink.count() == rounds*each })
	if n := sink.scanned(); n != 1 {
		t.Errorf("%d scans helped out", n)
	}
}

// A flood of files loses nothing, with no scan to help out, even if whoever takes them is slow.
func TestRunBurst(t *testing.T) {
	t.Parallel()
	count := 100_000
	if testing.Short() {
		count = 2_000
	}
	root := memoryDir(t)
	w := newQuick(t, Rules{Root: root})
	w.tempo.askGap, w.tempo.askDelay = time.Hour, time.Hour
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	sink := startCounting(t, w, func() { <-tick.C }) // with each batch
	var creating sync.WaitGroup
	for half := range 2 {
		creating.Go(func() {
			for i := half; i < count; i += 2 {
				create(t, filepath.Join(root, fmt.Sprint("f", i)))
			}
		})
	}
	creating.Wait()
	eventually(t, "all files are ready", func() bool { return sink.count() == count })
	if n := sink.scanned(); n != 1 {
		t.Errorf("%d scans helped out: an overflow?", n)
	}
}

// create makes an empty file in a directory that exists.
func create(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Error(err)
		return
	}
	_ = f.Close() // nothing was written
}

// counting is a Sink that remembers which files came, in little room.
type counting struct {
	*recorder
	slow func() // is called in each Ready

	mu   sync.Mutex
	seen map[file.Path]struct{}
}

func startCounting(t *testing.T, w *Watcher, slow func()) *counting {
	t.Helper()
	c := &counting{recorder: &recorder{}, slow: slow, seen: map[file.Path]struct{}{}}
	startWith(t, w, c)
	eventually(t, "watching", func() bool { return c.status().State == Watching })
	return c
}

func (c *counting) Ready(_ context.Context, entries []Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slow()
	for _, e := range entries {
		c.seen[e.Path] = struct{}{}
	}
	return nil
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}
