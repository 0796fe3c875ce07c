package watcher

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkScan scans 303,030 and 1,010,030 entries, directories of 100 files in 30, warm: with all that a scan does, and as
// bare system calls, which is the floor on this machine. "live-B/entry" is the heap that a scan holds half way through, after a
// collection.
func BenchmarkScan(b *testing.B) {
	for _, dirs := range []int{3000, 10_000} {
		b.Run(fmt.Sprint(dirs*101+30), func(b *testing.B) {
			root := b.TempDir()
			makeFiles(b, root, dirs, 100)
			b.Run("scan", func(b *testing.B) { benchmarkScan(b, root, dirs*100) })
			b.Run("bare", func(b *testing.B) {
				before := processorTime(b)
				defer func() { reportProcessor(b, before) }()
				for b.Loop() {
					d, err := openRoot(root)
					if err != nil {
						b.Fatal(err)
					}
					if n := bare(b, d, &listing{}); n != dirs*101+30 {
						b.Fatal(n)
					}
					d.close()
				}
			})
		})
	}
}

func benchmarkScan(b *testing.B, root string, files int) {
	w, err := New(Rules{Root: root, Exclude: []string{".DS_Store", "Thumbs.db"}, StableFor: time.Nanosecond}, nil)
	if err != nil {
		b.Fatal(err)
	}
	half := &halfway{at: files / 2}
	if _, err := w.Scan(b.Context(), half); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := processorTime(b)
	defer func() { reportProcessor(b, before) }()
	for b.Loop() {
		if sum, err := w.Scan(b.Context(), discard{}); err != nil || sum.Files != files || !sum.Complete {
			b.Fatalf("%+v, %v", sum, err)
		}
	}
	b.ReportMetric(float64(half.live)/float64(files), "live-B/entry")
}

// makeFiles makes directories in 30 groups, with so many empty files in each.
func makeFiles(b *testing.B, root string, dirs, each int) {
	b.Helper()
	for i := range dirs {
		dir := filepath.Join(root, fmt.Sprintf("group-%02d", i%30), fmt.Sprintf("directory-%05d", i))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range each {
			if err := unix.Mknod(filepath.Join(dir, fmt.Sprintf("some-file-%04d.xml", j)), unix.S_IFREG|0o644, 0); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// halfway measures the heap in the middle of a scan.
type halfway struct {
	discard
	at   int
	live int64
}

func (h *halfway) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	before, n := liveHeap(), 0
	for range entries {
		if n++; n == h.at {
			h.live = liveHeap() - before
		}
	}
	return nil
}

func liveHeap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// A scan holds its position, and not what it has seen.
func TestScanRetainsNothing(t *testing.T) {
	root := memoryDir(t)
	for i := range 100 {
		dir := mkdir(t, filepath.Join(root, fmt.Sprint("directory-", i)))
		for j := range 200 {
			create(t, filepath.Join(dir, fmt.Sprint("a-file-with-a-long-name-", j)))
		}
	}
	w, err := New(Rules{Root: root, StableFor: time.Nanosecond}, nil)
	if err != nil {
		t.Fatal(err)
	}
	half := &halfway{at: 10_000}
	if sum, err := w.Scan(t.Context(), half); err != nil || sum.Files != 20_000 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if half.live > 256<<10 { // one name each would be more
		t.Errorf("%d KiB are held in the middle of 20,000 files", half.live>>10)
	}
}

// BenchmarkIdle watches 10,000 files in 100 directories, all delivered long ago, and reports the memory of the process and
// the processor time of ten seconds in which nothing happens.
func BenchmarkIdle(b *testing.B) {
	root := b.TempDir()
	makeFiles(b, root, 100, 100)
	w, err := New(Rules{Root: root, StableFor: time.Nanosecond}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		sink := &watching{up: make(chan struct{})}
		done := make(chan error, 1)
		go func() { done <- w.Run(ctx, sink) }()
		<-sink.up
		debug.FreeOSMemory()
		before := processorTime(b)
		<-time.After(10 * time.Second)
		b.ReportMetric(float64((processorTime(b)-before).Microseconds())/10, "cpu-us/s")
		b.ReportMetric(residentMiB(b), "rss-MiB")
		cancel()
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHint is the time from the rename of a file into the folder until it is handed over, with ready = "rename": what
// the gathering of hints adds to the system's own.
func BenchmarkHint(b *testing.B) {
	root := b.TempDir()
	w, err := New(Rules{Root: root, Ready: ReadyRename}, nil)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	sink := &watching{up: make(chan struct{}), ready: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, sink) }()
	<-sink.up
	n := 0
	for b.Loop() {
		n++
		name := filepath.Join(root, fmt.Sprint("f", n))
		if err := os.WriteFile(name+".tmp", nil, 0o600); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(name+".tmp", name); err != nil {
			b.Fatal(err)
		}
		<-sink.ready
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

// watching is a Sink that tells when the folder is watched, and of each hand-over where ready is not nil.
type watching struct {
	discard
	up    chan struct{}
	ready chan struct{}
	once  sync.Once
}

func (s *watching) Status(status Status) {
	if status.State == Watching {
		s.once.Do(func() { close(s.up) })
	}
}

func (s *watching) Ready(context.Context, []Entry) error {
	if s.ready != nil {
		s.ready <- struct{}{}
	}
	return nil
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// reportProcessor reports the processor time of one turn: on a busy machine it says more than the clock.
func reportProcessor(b *testing.B, before time.Duration) {
	b.Helper()
	b.ReportMetric(float64((processorTime(b)-before).Milliseconds())/float64(b.N), "cpu-ms/op")
}

func residentMiB(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / (1 << 20)
}

// bare reads the directories below d and takes a stat of every file.
func bare(b *testing.B, d *dir, room *listing) (n int) {
	ents, err := d.list(room)
	if err != nil {
		b.Fatal(err)
	}
	var st unix.Stat_t
	for _, ent := range ents {
		n++
		if ent.kind != Dir {
			if err := unix.Fstatat(d.fd, ent.name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				b.Fatal(err)
			}
			continue
		}
		sub, err := d.enter(ent.name)
		if err != nil {
			b.Fatal(err)
		}
		n += bare(b, sub, room)
		sub.close()
	}
	room.giveBack(ents)
	return n
}

// discard takes everything and keeps nothing.
type discard struct{}

func (discard) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		continue
	}
	return nil
}
func (discard) Ready(context.Context, []Entry) error { return nil }
func (discard) Status(Status)                        {}
