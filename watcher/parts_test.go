package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

func TestBudget(t *testing.T) {
	counts := map[string]int{"a": 3, "b": 9, "c": 1}
	b := newBudget(8, func(dir string) int { return counts[dir] })
	var full *errBudget
	for _, tt := range []struct {
		dir  string
		fits bool
	}{{"a", true}, {"a", true}, {"b", false}, {"c", true}, {"empty", true}, {"more", true}} {
		if err := b.take(tt.dir); (err == nil) != tt.fits || !tt.fits && !errors.As(err, &full) {
			t.Errorf("%s: %v", tt.dir, err)
		}
	}
	if err := b.take("last"); err == nil {
		t.Error("a ninth fits")
	}
	b.giveBack("a")
	b.giveBack("a")
	if err := b.take("last"); err != nil || b.spent != 5 {
		t.Errorf("%v, spent %d", err, b.spent)
	}
	none := newBudget(0, func(string) int { t.Error("counted without a bound"); return 0 })
	if err := none.take("a"); err != nil {
		t.Error(err)
	}
	root := t.TempDir()
	write(t, filepath.Join(root, "x"), "")
	if n := countNames(root); n != 1 {
		t.Errorf("%d names", n)
	}
	if n := countNames(filepath.Join(root, "none")); n != 0 {
		t.Errorf("%d names in nothing", n)
	}
}

// What does not fit is polled, and nothing else: new files, changed ones, new directories and what is gone are all found,
// and the folder is not scanned for the first two.
func TestRunPollsWhatCannotBeWatched(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "watched/old"), "x")
	write(t, filepath.Join(root, "polled/old"), "x")
	w := newQuick(t, Rules{Root: root, Poll: 30 * time.Millisecond, Exclude: []string{"no"}})
	w.notify = func(string, *dirty) (notifier, error) {
		return &silent{refused: []string{filepath.Join(root, "polled")}}, nil
	}
	rec := startWatching(t, w)
	s := rec.status()
	if want := "Cannot watch 1 folder under " + root + ", the first: watch " + filepath.Join(root, "polled") + ": no room. " +
		"Until then that one is scanned every 0.03 s."; s.Reason != want || s.Polled != 1 || s.Watches != 2 || s.Polling || s.PollEvery != w.rules.Poll {
		t.Errorf("status %+v\nwant reason %q", s, want)
	}
	eventually(t, "all is ready", func() bool { return rec.status().Settling == 0 && rec.isReady("polled/old") })
	rec.forgetReady()
	for i := range 3 {
		p := file.Path(fmt.Sprint("polled/new", i))
		write(t, p.In(root), "x")
		write(t, filepath.Join(root, "polled/no"), "x")
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
	}
	write(t, filepath.Join(root, "polled/old"), "changed")
	eventually(t, "the changed file is ready", func() bool { return rec.isReady("polled/old") })
	if n := rec.scanned(); n != 1 {
		t.Errorf("%d scans", n)
	}
	if rec.isReady("polled/no") || rec.isReady("watched/old") {
		t.Errorf("ready: %v", rec.readyPaths())
	}
	write(t, filepath.Join(root, "polled/deep/er/file"), "x")
	eventually(t, "a file in a new directory is ready", func() bool { return rec.isReady("polled/deep/er/file") })
	if err := os.Remove(filepath.Join(root, "polled/new0")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what is gone is gone from a scan", func() bool {
		_, found := find(rec.lastScan(), "polled/new0")
		return !found
	})
	if err := os.RemoveAll(filepath.Join(root, "polled")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "so is the directory", func() bool { return rec.status().Polled == 0 && rec.status().Reason == "" })
}

// A whole folder there is scanned every so often.
func TestRunPollsForeignRoots(t *testing.T) {
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, Poll: 30 * time.Millisecond})
	w.kindOf = func(*dir) fileSystem { return networkFS }
	w.notify = func(string, *dirty) (notifier, error) { return &silent{}, nil }
	rec := start(t, w)
	eventually(t, "polling", func() bool { return rec.status().State == Polling })
	write(t, filepath.Join(root, "sub/a"), "x")
	eventually(t, "the file is ready", func() bool { return rec.isReady("sub/a") })
	if s := rec.status(); s.Polled != 0 || !s.Polling {
		t.Errorf("status %+v", s)
	}
}
