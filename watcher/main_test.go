package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dropferry/dropferry/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait in these tests. Only a failing test waits so long.
const patience = 30 * time.Second

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !cond(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

// watches is how many watches n directories need: Windows has one for all of a folder.
func watches(n int) int {
	if runtime.GOOS == "windows" {
		return 1
	}
	return n
}

// recorder is a Sink that remembers.
type recorder struct {
	mu       sync.Mutex
	scans    [][]Entry
	ready    []Entry // by either way
	statuses []Status
	scanErr  error // what Scan answers
	readyErr error // what Ready answers
	during   func(Entry)
}

func (r *recorder) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	var all, ready []Entry
	for e := range entries {
		if r.during != nil {
			r.during(e)
		}
		all = append(all, e)
		if e.Ready && e.Kind == File {
			ready = append(ready, e)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scans = append(r.scans, all)
	if r.scanErr == nil {
		r.ready = append(r.ready, ready...)
	}
	return r.scanErr
}

func (r *recorder) Ready(_ context.Context, entries []Entry) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.readyErr != nil {
		return r.readyErr
	}
	r.ready = append(r.ready, entries...)
	return nil
}

func (r *recorder) Status(s Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statuses = append(r.statuses, s)
}

func (r *recorder) status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.statuses) == 0 {
		return Status{}
	}
	return r.statuses[len(r.statuses)-1]
}

func (r *recorder) scanned() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.scans)
}

func (r *recorder) lastScan() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.scans) == 0 {
		return nil
	}
	return r.scans[len(r.scans)-1]
}

// readyEntry returns the last hand-over of p.
func (r *recorder) readyEntry(p file.Path) (Entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Backward(r.ready) {
		if e.Path == p {
			return e, true
		}
	}
	return Entry{}, false
}

func (r *recorder) isReady(p file.Path) bool {
	_, ok := r.readyEntry(p)
	return ok
}

// readyPaths returns the set of paths handed over.
func (r *recorder) readyPaths() map[file.Path]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := make(map[file.Path]bool, len(r.ready))
	for _, e := range r.ready {
		found[e.Path] = true
	}
	return found
}

func (r *recorder) forgetReady() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ready = nil
}

// quickTempo is a life some thirty times faster.
func quickTempo() tempo {
	return tempo{
		probed: 60 * time.Millisecond, blind: 150 * time.Millisecond, remote: 300 * time.Millisecond,
		gather:    2 * time.Millisecond,
		root:      20 * time.Millisecond,
		busyLeast: 20 * time.Millisecond, busySoon: 40 * time.Millisecond, busyFirst: time.Second, busyMost: 80 * time.Millisecond,
		markerLeast: 20 * time.Millisecond, markerMost: 80 * time.Millisecond,
		errorLeast: 20 * time.Millisecond, errorMost: 80 * time.Millisecond,
		grace: 50 * time.Millisecond, cleanScans: 3,
		stall: 30 * time.Second, leave: 30 * time.Second, giveUp: time.Minute,
		sinkLeast: 10 * time.Millisecond, sinkMost: 80 * time.Millisecond,
		faultLeast: 10 * time.Millisecond, faultMost: 200 * time.Millisecond,
		askDelay: 10 * time.Millisecond, askGap: 30 * time.Millisecond, askShare: 1,
	}
}

// newQuick returns a Watcher that lives fast.
func newQuick(t *testing.T, rules Rules) *Watcher {
	t.Helper()
	w, err := New(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.tempo = quickTempo()
	w.Remember(&memory{}) // as the agent does
	return w
}

// start runs w until the test ends, and returns what it finds.
func start(t *testing.T, w *Watcher) *recorder {
	t.Helper()
	rec := &recorder{}
	startWith(t, w, rec)
	return rec
}

func startWith(t *testing.T, w *Watcher, sink Sink) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, sink) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Errorf("Run does not end")
		}
	})
}

// startWatching is start, and waits until the first scan is over.
func startWatching(t *testing.T, w *Watcher) *recorder {
	t.Helper()
	rec := start(t, w)
	eventually(t, "watching", func() bool { return rec.status().State == Watching })
	return rec
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, name string) string {
	t.Helper()
	if err := os.MkdirAll(name, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	const accessDenied, sharingViolation = syscall.Errno(5), syscall.Errno(32) // of Windows: a scan has it, or what it replaces, open for a moment
	err := os.Rename(from, to)
	for limit := time.Now().Add(patience / 6); runtime.GOOS == "windows" && (errors.Is(err, accessDenied) || errors.Is(err, sharingViolation)) && time.Now().Before(limit); {
		time.Sleep(time.Millisecond)
		err = os.Rename(from, to)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func paths(entries []Entry) []string {
	all := make([]string, 0, len(entries))
	for _, e := range entries {
		all = append(all, string(e.Path))
	}
	return all
}

func find(entries []Entry, p file.Path) (Entry, bool) {
	for _, e := range entries {
		if e.Path == p {
			return e, true
		}
	}
	return Entry{}, false
}

func lstat(t *testing.T, name string) file.Fingerprint {
	t.Helper()
	print, _, err := file.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return print
}

// needProbe skips where writers cannot be asked for.
func needProbe(t *testing.T) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x")
	write(t, name, "x")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if probeWriters(f) == writersUnknown {
		t.Skip("the system does not tell of writers here")
	}
}

// tree describes a directory for comparison: "name" or "name/" by path.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == root {
			return err
		}
		p, ok := file.Rel(root, name)
		if !ok {
			return fmt.Errorf("%s is not in %s", name, root)
		}
		all = append(all, string(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// statusWhere returns the first status for which is holds.
func (r *recorder) statusWhere(is func(Status) bool) Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.IndexFunc(r.statuses, is); i >= 0 {
		return r.statuses[i]
	}
	return Status{}
}

// allScans returns the scans so far.
func (r *recorder) allScans() [][]Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.scans)
}

// rescan asks for a scan and waits for it.
func rescan(t *testing.T, w *Watcher, rec *recorder) {
	t.Helper()
	before := rec.scanned()
	w.Rescan()
	eventually(t, "a scan", func() bool { return rec.scanned() > before })
}
