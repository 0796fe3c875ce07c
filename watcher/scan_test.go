package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dropferry/dropferry/file"
)

// scanOnce scans root and returns the entries.
func scanOnce(t *testing.T, rules Rules) ([]Entry, Summary) {
	t.Helper()
	w := newQuick(t, rules)
	rec := &recorder{}
	sum, err := w.Scan(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	return rec.lastScan(), sum
}

// A scan gives everything once, in the order of the store, whatever the names are.
func TestScanOrder(t *testing.T) {
	// Names around "/" in byte order are what makes the order hard: a space, "-", "." and "!" sort before it.
	letters := []rune{'a', 'b', '-', '.', '!', ' ', '0', 'ö', '~'}
	if runtime.GOOS == "windows" {
		letters = []rune{'a', 'b', '-', '!', '0'}
	}
	name := rapid.StringOfN(rapid.SampledFrom(letters), 1, 4, -1).Filter(func(s string) bool {
		_, temporary := IsTemporary(s)
		return s != "." && s != ".." && !temporary
	})
	place := rapid.SliceOfN(name, 1, 4)
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp("", "order")
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { _ = os.RemoveAll(root) }()
		for _, elements := range rapid.SliceOfN(place, 0, 30).Draw(rt, "places") {
			full := filepath.Join(append([]string{root}, elements...)...)
			if os.MkdirAll(filepath.Dir(full), 0o755) != nil {
				continue // a file is in the way
			}
			if len(elements)%2 == 0 {
				_ = os.Mkdir(full, 0o755) // unless it exists
			} else if _, err := os.Lstat(full); err != nil {
				if err := os.WriteFile(full, nil, 0o644); err != nil {
					rt.Fatal(err)
				}
			}
		}
		got, sum := scanOnce(t, Rules{Root: root})
		if want := tree(t, root); !slices.Equal(paths(got), want) {
			rt.Fatalf("got  %q\nwant %q", paths(got), want)
		}
		if !sum.Complete || sum.Files+sum.Dirs != len(got) {
			rt.Fatalf("summary %+v of %d entries", sum, len(got))
		}
		for _, e := range got {
			if want := lstat(t, e.Path.In(root)); e.Kind == File && e.Fingerprint != want {
				rt.Fatalf("%s: fingerprint %+v, want %+v", e.Path, e.Fingerprint, want)
			}
			if e.Seen.IsZero() || e.Seen.After(time.Now()) {
				rt.Fatalf("%s: seen %v", e.Path, e.Seen)
			}
		}
	})
}

// A long chain of names that are prefixes of each other keeps many directories aside at once.
func TestScanOrderOfPrefixes(t *testing.T) {
	root := t.TempDir()
	for name := "a"; len(name) < 60; name += "-" {
		write(t, filepath.Join(root, name, "x"), "")
		write(t, filepath.Join(root, name, "x-", "y"), "")
	}
	got, _ := scanOnce(t, Rules{Root: root})
	if want := tree(t, root); !slices.Equal(paths(got), want) {
		t.Fatalf("got  %q\nwant %q", paths(got), want)
	}
	if open := leftOpen(t, root); len(open) > 0 {
		t.Errorf("%d still open, one is %s", len(open), open[0])
	}
}

// leftOpen lists what this process has open in a folder, and tables of mounts, where the system tells. What the runtime has
// open elsewhere is none of the watcher's business, and comes and goes.
func leftOpen(t *testing.T, folder string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	const own = "/proc/self/fd"
	descriptors, err := os.ReadDir(own)
	if err != nil {
		t.Fatal(err)
	}
	var open []string
	for _, d := range descriptors {
		name, err := os.Readlink(filepath.Join(own, d.Name()))
		if err == nil && (name == folder || strings.HasPrefix(name, folder+"/") || path.Base(name) == "mountinfo") { // an error: closed since
			open = append(open, name)
		}
	}
	return open
}

func TestScanLeavesOutWhatIsExcluded(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a.xml", "a.txt", "b.tmp", "old/x.xml", "deep/old/x.xml", "deep/x.xml", "new.part/x.xml"} {
		write(t, filepath.Join(root, name), "")
	}
	got, sum := scanOnce(t, Rules{Root: root, Include: []string{"*.xml"}, Exclude: []string{"old"}})
	if want := []string{"a.xml", "deep", "deep/x.xml"}; !slices.Equal(paths(got), want) {
		t.Errorf("got %q, want %q", paths(got), want)
	}
	if sum.Files != 2 || sum.Dirs != 1 || !sum.Complete {
		t.Errorf("summary %+v", sum)
	}
}

func TestScanSkipsWhatIsNoFile(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), "x")
	write(t, filepath.Join(root, "file"), "x")
	for link, target := range map[string]string{
		"link-file": filepath.Join(outside, "secret"), "link-dir": outside, "link-inside": "file", "link-broken": "nothing",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	want := map[file.Path]string{
		"link-file": "symbolic link", "link-dir": "symbolic link", "link-inside": "symbolic link", "link-broken": "symbolic link",
	}
	if runtime.GOOS != "windows" {
		l, err := net.Listen("unix", filepath.Join(root, "socket"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		makeFIFO(t, filepath.Join(root, "fifo"))
		want["socket"], want["fifo"] = "socket", "FIFO"
	}
	got, sum := scanOnce(t, Rules{Root: root})
	for p, reason := range want {
		e, ok := find(got, p)
		if !ok || e.Kind != Other || e.Ready || !strings.HasPrefix(e.Reason, reason) {
			t.Errorf("%s: %+v", p, e)
		}
	}
	if len(got) != len(want)+1 || sum.Files != 1 || sum.Dirs != 0 || !sum.Complete {
		t.Errorf("got %q, summary %+v", paths(got), sum)
	}
}

func TestScanDecidesWhatIsReady(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "new"), "x")
	w := newQuick(t, Rules{Root: root, StableFor: time.Minute})
	rec := &recorder{}
	sum, err := w.Scan(t.Context(), rec)
	if err != nil || sum.Settling != 1 || sum.Files != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	e, _ := find(rec.lastScan(), "new")
	if e.Ready || e.Reason != reasonSettling || e.Since.IsZero() || e.Until.Sub(e.Since) > time.Minute {
		t.Errorf("a new file: %+v", e)
	}
	if waiting := w.Waiting(); len(waiting) != 1 || waiting[0].Path != "new" {
		t.Errorf("waiting: %+v", waiting)
	}

	later := w.now().Add(2 * time.Minute)
	w.now = func() time.Time { return later }
	if sum, err = w.Scan(t.Context(), rec); err != nil || sum.Settling != 0 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if e, _ = find(rec.lastScan(), "new"); !e.Ready || e.Reason != "" || !e.Until.IsZero() {
		t.Errorf("an old file: %+v", e)
	}
}

// A file whose age lies between the two quiet times is decided by the probe at once, so that a plan need not wait.
func TestScanProbesYoungFiles(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	write(t, filepath.Join(root, "closed"), "x")
	open, err := os.Create(filepath.Join(root, "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = open.Close() }()
	w := newQuick(t, Rules{Root: root})
	w.tempo = defaultTempo()
	later := time.Now().Add(5 * time.Second)
	w.now = func() time.Time { return later }
	rec := &recorder{}
	if _, err := w.Scan(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	if e, _ := find(rec.lastScan(), "closed"); !e.Ready {
		t.Errorf("closed: %+v", e)
	}
	if e, _ := find(rec.lastScan(), "open"); e.Ready || e.Reason != reasonWriting {
		t.Errorf("open: %+v", e)
	}
}

func TestScanFails(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "file"), "")
	t.Run("root missing", func(t *testing.T) {
		rec := &recorder{}
		_, err := newQuick(t, Rules{Root: filepath.Join(dir, "none")}).Scan(t.Context(), rec)
		if !errors.Is(err, fs.ErrNotExist) || rec.scanned() != 0 {
			t.Errorf("%v, %d scans", err, rec.scanned())
		}
	})
	t.Run("root is a file", func(t *testing.T) {
		rec := &recorder{}
		_, err := newQuick(t, Rules{Root: filepath.Join(dir, "file")}).Scan(t.Context(), rec)
		if err == nil || !strings.Contains(err.Error(), "not a directory") || rec.scanned() != 0 {
			t.Errorf("%v, %d scans", err, rec.scanned())
		}
	})
	t.Run("sink", func(t *testing.T) {
		rec := &recorder{scanErr: errors.New("disk full")}
		sum, err := newQuick(t, Rules{Root: dir}).Scan(t.Context(), rec)
		if !errors.Is(err, rec.scanErr) || sum.Complete {
			t.Errorf("%v, %+v", err, sum)
		}
	})
	t.Run("context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		rec := &recorder{during: func(Entry) { cancel() }}
		for i := range 1000 {
			write(t, filepath.Join(dir, fmt.Sprint(i), "x"), "")
		}
		sum, err := newQuick(t, Rules{Root: dir}).Scan(ctx, rec)
		if !errors.Is(err, context.Canceled) || sum.Complete {
			t.Errorf("%v, %+v", err, sum)
		}
		last := rec.lastScan()[len(rec.lastScan())-1]
		if last.Path != "" || !errors.Is(last.Err, context.Canceled) {
			t.Errorf("the last entry is %+v", last)
		}
	})
}

func TestScanStopsWithTheSink(t *testing.T) {
	root := t.TempDir()
	for i := range 10 {
		write(t, filepath.Join(root, fmt.Sprint("a", i), "x"), "")
	}
	w := newQuick(t, Rules{Root: root})
	sum, err := w.Scan(t.Context(), breakingSink{&recorder{}})
	if err != nil || sum.Complete {
		t.Errorf("%v, %+v", err, sum)
	}
	if open := leftOpen(t, root); len(open) > 0 {
		t.Errorf("%d still open, one is %s", len(open), open[0])
	}
}

// breakingSink takes the first entry of a scan and no more.
type breakingSink struct{ *recorder }

func (breakingSink) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for range entries {
		break
	}
	return nil
}

// A root that is replaced while it is scanned makes everything unknown.
func TestScanOfReplacedRoot(t *testing.T) {
	parent := t.TempDir()
	root := mkdir(t, filepath.Join(parent, "root"))
	write(t, filepath.Join(root, "a"), "")
	write(t, filepath.Join(root, "b"), "")
	rec := &recorder{}
	rec.during = func(e Entry) {
		if e.Path == "a" {
			rename(t, root, filepath.Join(parent, "away"))
			mkdir(t, root)
		}
	}
	sum, err := newQuick(t, Rules{Root: root}).Scan(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	got := rec.lastScan()
	if last := got[len(got)-1]; last.Path != "" || last.Err == nil {
		t.Errorf("the last entry is %+v", last)
	}
	if sum.Complete || len(sum.Errors) != 1 {
		t.Errorf("summary %+v", sum)
	}
}

// What vanishes while it is scanned is left out, and the scan is complete: it really is gone.
func TestScanOfVanishingFiles(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a", "b", "c/x", "d/x"} {
		write(t, filepath.Join(root, name), "")
	}
	rec := &recorder{}
	rec.during = func(e Entry) {
		if e.Path == "a" {
			for _, name := range []string{"b", "c"} {
				if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
					t.Error(err)
				}
			}
		}
	}
	sum, err := newQuick(t, Rules{Root: root}).Scan(t.Context(), rec)
	if err != nil || !sum.Complete {
		t.Fatalf("%+v, %v", sum, err)
	}
	if got, want := paths(rec.lastScan()), []string{"a", "d", "d/x"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOneAtATime(t *testing.T) {
	w := newQuick(t, Rules{Root: t.TempDir()})
	rec := startWatching(t, w)
	if _, err := w.Scan(t.Context(), rec); !errors.Is(err, errRunning) {
		t.Errorf("Scan: %v", err)
	}
	if _, err := w.Settle(t.Context(), rec, 0); !errors.Is(err, errRunning) {
		t.Errorf("Settle: %v", err)
	}
	if err := w.Run(t.Context(), rec); !errors.Is(err, errRunning) {
		t.Errorf("Run: %v", err)
	}
}
