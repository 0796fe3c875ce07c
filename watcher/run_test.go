package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/dropferry/dropferry/file"
)

func TestRunFindsWhatIsThere(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/b/old"), "x")
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	if got, want := paths(rec.lastScan()), []string{"a", "a/b", "a/b/old"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("a/b/old") })
	eventually(t, "nothing settles", func() bool { return rec.status().Settling == 0 })
	s := rec.status()
	if s.Reason != "" || !s.Complete || s.Files != 1 || s.Watches != watches(3) || s.Polling || s.LastScan.IsZero() {
		t.Errorf("status %+v", s)
	}
}

func TestRunFindsNewFiles(t *testing.T) {
	root := t.TempDir()
	mkdir(t, filepath.Join(root, "sub"))
	w := newQuick(t, Rules{Root: root, Exclude: []string{"no"}})
	rec := startWatching(t, w)
	write(t, filepath.Join(root, "a"), "alpha")
	write(t, filepath.Join(root, "sub/b"), "beta")
	write(t, filepath.Join(root, "empty"), "")
	write(t, filepath.Join(root, "a.tmp"), "never")
	write(t, filepath.Join(root, "no/c"), "never")
	for _, p := range []file.Path{"a", "sub/b", "empty"} {
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
		e, _ := rec.readyEntry(p)
		if want := lstat(t, p.In(root)); e.Fingerprint != want || e.Kind != File || !e.Ready || e.Reason != "" {
			t.Errorf("%+v, want fingerprint %+v", e, want)
		}
		if e.Since.IsZero() || e.Seen.Before(e.Since) {
			t.Errorf("%s was seen at %v, and ready at %v", p, e.Since, e.Seen)
		}
	}
	for p := range rec.readyPaths() {
		if pattern, excluded := w.match.file(p); excluded {
			t.Errorf("%s is ready and excluded by %s", p, pattern)
		}
	}
}

func TestRunTakesFinishedSparseFile(t *testing.T) {
	root := t.TempDir()
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	f, err := os.Create(filepath.Join(root, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(1<<30), f.Close()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the sparse file is ready", func() bool { return rec.isReady("sparse") })
	if e, _ := rec.readyEntry("sparse"); e.Fingerprint.Size != 1<<30 {
		t.Errorf("size %d", e.Fingerprint.Size)
	}
}

// A file that grows in steps, closed between them, is not ready before it has been quiet.
func TestRunWaitsForGrowingFile(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, StableFor: time.Second})
	rec := startWatching(t, w)
	name := filepath.Join(root, "growing")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	const steps = 75
	last := time.Now()
	for range steps {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("0123456789"); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if gap := time.Since(last); gap > 900*time.Millisecond {
			t.Skipf("this machine stood still for %v", gap)
		}
		last = time.Now()
		<-tick.C
	}
	if ready := rec.isReady("growing"); ready {
		t.Error("ready while it grows")
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("growing") })
	if quiet := time.Since(last); quiet < time.Second {
		t.Errorf("ready %v after the last write", quiet)
	}
	if e, _ := rec.readyEntry("growing"); e.Fingerprint.Size != steps*10 {
		t.Errorf("ready with %d bytes", e.Fingerprint.Size)
	}
}

func TestRunWaitsForWriter(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	f, err := os.Create(filepath.Join(root, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	writing := func() bool {
		waiting := w.Waiting()
		return len(waiting) == 1 && waiting[0].Reason == reasonWriting
	}
	eventually(t, "the file is being written", writing)
	if e := w.Explain("open"); !e.Settling || e.Reason != reasonWriting || !e.Exists || e.Until.IsZero() || e.Since.IsZero() {
		t.Errorf("explanation %+v", e)
	}
	eventually(t, "the status counts it", func() bool { return rec.status().Settling == 1 })
	if rec.isReady("open") {
		t.Error("ready while it is open")
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("open") })
	eventually(t, "nothing settles", func() bool { return rec.status().Settling == 0 })
}

// A file with a time stamp in the future waits for its quiet time like any other.
func TestRunTakesFileFromTheFuture(t *testing.T) {
	root := t.TempDir()
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	name := filepath.Join(root, "future")
	write(t, name, "x")
	if err := os.Chtimes(name, time.Time{}, time.Now().AddDate(30, 0, 0)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("future") })
}

func TestRunSeesRenames(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "going"), "x")
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	eventually(t, "the first file is ready", func() bool { return rec.isReady("going") })
	rec.forgetReady()

	write(t, filepath.Join(outside, "coming"), "x")
	if err := os.Chtimes(filepath.Join(outside, "coming"), time.Time{}, time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	rename(t, filepath.Join(outside, "coming"), filepath.Join(root, "coming"))
	eventually(t, "what came in is ready", func() bool { return rec.isReady("coming") })

	// As programs save: a temporary name, then the final one over the old.
	write(t, filepath.Join(root, "coming.tmp"), "new content")
	rename(t, filepath.Join(root, "coming.tmp"), filepath.Join(root, "coming"))
	want := lstat(t, filepath.Join(root, "coming"))
	eventually(t, "the replaced file is ready", func() bool {
		e, _ := rec.readyEntry("coming")
		return e.Fingerprint.SameFile(want)
	})

	rename(t, filepath.Join(root, "going"), filepath.Join(outside, "gone"))
	eventually(t, "a scan finds it gone", func() bool {
		return slices.Equal(paths(rec.lastScan()), []string{"coming"}) && rec.status().Complete
	})
}

// A directory that is renamed within the folder is watched under its new path, with all that lies below.
func TestRunFollowsRenamedDirectory(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "old/x/y/first"), "x")
	w := newQuick(t, Rules{Root: root})
	w.tempo.askGap, w.tempo.askDelay = time.Hour, time.Hour // no scan may help out
	rec := startWatching(t, w)
	eventually(t, "the first file is ready", func() bool { return rec.isReady("old/x/y/first") })
	for i := range 20 {
		from, to := filepath.Join(root, "old"), filepath.Join(root, "new")
		if i%2 == 1 {
			from, to = to, from
		}
		rename(t, from, to)
		p, _ := file.Rel(root, filepath.Join(to, fmt.Sprintf("x/y/second%d", i)))
		eventually(t, "what moved is ready under its new path", func() bool { return rec.isReady(p.Dir().Join("first")) })
		write(t, p.In(root), "x")
		eventually(t, "what is written there is ready", func() bool { return rec.isReady(p) })
		rec.forgetReady()
	}
	// Nothing is watched twice, and nothing at the old path.
	eventually(t, "four watches", func() bool { return rec.status().Watches == watches(4) })
}

func TestRunFollowsMovedDirectories(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "in/deep/file"), "x")
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)

	rename(t, filepath.Join(outside, "in"), filepath.Join(root, "in"))
	eventually(t, "the file that came is ready", func() bool { return rec.isReady("in/deep/file") })
	write(t, filepath.Join(root, "in/deep/more"), "x")
	eventually(t, "a file in what came is ready", func() bool { return rec.isReady("in/deep/more") })

	rename(t, filepath.Join(root, "in"), filepath.Join(outside, "out"))
	eventually(t, "a scan finds it gone", func() bool { return rec.status().Files == 0 && rec.status().Complete })
	eventually(t, "it is not watched", func() bool { return rec.status().Watches == 1 })

	write(t, filepath.Join(root, "in/deep/again"), "x")
	eventually(t, "the same path made anew is watched", func() bool { return rec.isReady("in/deep/again") })
}

func TestRunRemovedAndRecreatedDirectory(t *testing.T) {
	root := t.TempDir()
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	for i := range 50 {
		p := file.Path(fmt.Sprintf("d/e/f%d", i))
		write(t, p.In(root), "x")
		if i%5 == 0 {
			eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
		}
		if err := os.RemoveAll(filepath.Join(root, "d")); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "d/e/last"), "x")
	eventually(t, "the last is ready", func() bool { return rec.isReady("d/e/last") })
}

func TestRunRescansOnOverflow(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	before := rec.scanned()
	w.dirty.fail(fsnotify.ErrEventOverflow)
	eventually(t, "a scan after the overflow", func() bool { return rec.scanned() > before })
}

// After any other error the watches are made anew.
func TestRunRebuildsOnError(t *testing.T) {
	root := t.TempDir()
	mkdir(t, filepath.Join(root, "sub"))
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	before := rec.scanned()
	w.dirty.fail(errors.New("the share is gone"))
	eventually(t, "a scan after the error", func() bool { return rec.scanned() > before })
	write(t, filepath.Join(root, "sub/a"), "x")
	eventually(t, "events come", func() bool { return rec.isReady("sub/a") })
	if s := rec.status(); s.Watches != watches(2) {
		t.Errorf("%d watches", s.Watches)
	}
}

func TestRunHintAndRescan(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), "x")
	w := newQuick(t, Rules{Root: root, Watch: WatchPoll, Poll: time.Hour})
	rec := start(t, w)
	eventually(t, "polling", func() bool { return rec.status().State == Polling })
	if s := rec.status(); !s.Polling || s.PollEvery != time.Hour || s.Watches != 0 || s.Reason != "" {
		t.Errorf("status %+v", s)
	}
	eventually(t, "the first file is ready", func() bool { return rec.isReady("a") })
	write(t, filepath.Join(root, "sub/b"), "x")
	w.Hint("sub/b")
	eventually(t, "the hinted file is ready", func() bool { return rec.isReady("sub/b") })
	write(t, filepath.Join(root, "c"), "x")
	rescan(t, w, rec)
	eventually(t, "the found file is ready", func() bool { return rec.isReady("c") })
	w.Hint("../outside")
	w.Hint("none")
	before := rec.scanned()
	eventually(t, "a scan for what a hint did not find", func() bool { return rec.scanned() > before })
}

func TestRunPolls(t *testing.T) {
	root := t.TempDir()
	rec := start(t, newQuick(t, Rules{Root: root, Watch: WatchPoll, Poll: 30 * time.Millisecond}))
	eventually(t, "polling", func() bool { return rec.status().State == Polling })
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
}

// What the sink refuses comes again.
func TestRunRepeatsWhatTheSinkRefuses(t *testing.T) {
	root := t.TempDir()
	rec := &recorder{scanErr: errors.New("locked"), readyErr: errors.New("locked")}
	startWith(t, newQuick(t, Rules{Root: root}), rec)
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "several scans", func() bool { return rec.scanned() > 2 })
	eventually(t, "the status says why", func() bool {
		s := rec.status()
		return !s.Complete && s.Reason == "The last scan of "+root+" failed: locked."
	})
	rec.mu.Lock()
	rec.scanErr, rec.readyErr = nil, nil
	rec.mu.Unlock()
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
	eventually(t, "all is well", func() bool { s := rec.status(); return s.Complete && s.Reason == "" })
}

// A file that is gone before it settles is neither handed over nor kept.
func TestRunForgetsWhatVanishes(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, StableFor: 50 * time.Millisecond})
	rec := startWatching(t, w)
	for i := range 100 {
		name := filepath.Join(root, fmt.Sprint("f", i))
		write(t, name, "x")
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(root, "last"), "x")
	eventually(t, "the last is ready", func() bool { return rec.isReady("last") })
	eventually(t, "nothing settles", func() bool { return len(w.Waiting()) == 0 })
	if got := rec.readyPaths(); len(got) != 1 {
		t.Errorf("ready: %v", got)
	}
}

// TestHintsOfAnotherSpelling: a name that has gone may still be found, where the file system takes a new one for it. It is no
// file then.
func TestHintsOfAnotherSpelling(t *testing.T) {
	root := t.TempDir()
	name := filepath.Join(root, "a")
	write(t, name, "x")
	w := newQuick(t, Rules{Root: root})
	w.isAnother = func(p file.Path) bool { return p == "a" }
	for op, gone := range map[fsnotify.Op]bool{fsnotify.Rename: true, fsnotify.Remove: true, 0: true, fsnotify.Write: false, fsnotify.Create: false} {
		scan, _ := w.look(t.Context(), map[string]fsnotify.Op{name: op}, nil)
		if scan != gone || w.settling.len() == 0 != gone {
			t.Errorf("%s: a scan is wanted: %v; %d files settle", op, scan, w.settling.len())
		}
		w.settling.clear()
	}
}
