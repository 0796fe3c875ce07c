package watcher

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

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
	rounds, each := 1000, 50
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
	sink.await(t, rounds*each)
	if n := sink.scanned(); n != 1 {
		t.Errorf("%d scans helped out", n)
	}
}

// A flood of files loses nothing, even if whoever takes them is slow: with no scan to help out, unless this machine is so busy
// that the kernel's queue overflows.
func TestRunBurst(t *testing.T) {
	t.Parallel()
	count := 50_000
	if testing.Short() {
		count = 2_000
	}
	root := memoryDir(t)
	w := newQuick(t, Rules{Root: root})
	w.tempo.askGap, w.tempo.askDelay = time.Hour, time.Hour
	said := &logged{}
	w.log = slog.New(slog.NewTextHandler(said, nil))
	sink := startCounting(t, w, func() { <-time.After(5 * time.Millisecond) }) // with each batch
	var creating sync.WaitGroup
	for half := range 2 {
		creating.Go(func() {
			for i := half; i < count; i += 2 {
				create(t, filepath.Join(root, fmt.Sprint("f", i)))
			}
		})
	}
	creating.Wait()
	defer func() { t.Logf("%d of %d files, %d scans\n%s", sink.count(), count, sink.scanned(), said) }()
	sink.await(t, count)
	if n := sink.scanned(); n > 1 && !strings.Contains(said.String(), fsnotify.ErrEventOverflow.Error()) {
		t.Errorf("%d scans helped out, and the kernel's queue did not overflow", n)
	}
}

// logged is what a Watcher has logged.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
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

// Scan counts what is ready by then, which a scan after an overflow finds so.
func (c *counting) Scan(ctx context.Context, entries iter.Seq[Entry]) error {
	err := c.recorder.Scan(ctx, entries)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.lastScan() {
		if e.Kind == File && e.Ready {
			c.seen[e.Path] = struct{}{}
		}
	}
	return err
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

// await waits for so many files, for as long as more of them come.
func (c *counting) await(t *testing.T, want int) {
	t.Helper()
	for last := -1; last < want; {
		before := last
		eventually(t, fmt.Sprintf("more than %d of %d files are ready", before, want), func() bool {
			last = c.count()
			return last > before
		})
	}
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}
