package watcher

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
)

// What lies behind a link into a directory that is excluded is seen as soon as all else, and nobody is blamed for it.
func TestRunFollowsLinksToWhatIsExcluded(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "releases/12/old"), "x")
	write(t, filepath.Join(root, "releases/11/old"), "x")
	link(t, "releases/12", filepath.Join(root, "current"))
	link(t, "releases/12", filepath.Join(root, "same"))
	w := newQuick(t, Rules{Root: root, Symlinks: SymlinksInside, Exclude: []string{"/releases"}, Rescan: time.Hour})
	rec := startWatching(t, w)
	ready := func(paths ...file.Path) {
		t.Helper()
		for _, p := range paths {
			eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
		}
	}
	ready("current/old", "same/old")
	write(t, filepath.Join(root, "releases/12/new"), "x")
	write(t, filepath.Join(root, "releases/12/sub/deep"), "x")
	write(t, filepath.Join(root, "releases/11/not-linked"), "x")
	ready("current/new", "same/new", "current/sub/deep", "same/sub/deep")
	write(t, filepath.Join(root, "releases/12/sub/deeper"), "x")
	ready("current/sub/deeper", "same/sub/deeper")

	link(t, "releases/11", filepath.Join(root, "next"))
	ready("next/not-linked")
	write(t, filepath.Join(root, "releases/11/later"), "x")
	ready("next/later")

	for range 3 { // scans that check hints
		time.Sleep(2 * w.tempo.grace) // until a hint would have come
		rescan(t, w, rec)
	}
	time.Sleep(2 * w.tempo.grace) // as above
	if s := rec.statusWhere(func(s Status) bool { return s.Unreliable }); s.Unreliable {
		t.Errorf("blamed: %+v", s)
	}
	if rec.isReady("releases/12/new") {
		t.Error("what is excluded was handed over")
	}
}

// Where such a directory cannot be watched, it is polled.
func TestRunPollsBehindLinks(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "hidden/old"), "x")
	write(t, filepath.Join(root, "shown/old"), "x")
	link(t, "hidden", filepath.Join(root, "a"))
	link(t, "shown", filepath.Join(root, "b"))
	w := newQuick(t, Rules{Root: root, Symlinks: SymlinksInside, Exclude: []string{"/hidden"}, Rescan: time.Hour, Poll: 50 * time.Millisecond})
	refusing := &silent{refused: []string{filepath.Join(root, "hidden"), filepath.Join(root, "shown")}}
	w.notify = func(string, *dirty) (notifier, error) { return refusing, nil }
	rec := startWatching(t, w)
	eventually(t, "both are polled", func() bool { return rec.status().Polled == 2 && rec.isReady("a/old") })
	write(t, filepath.Join(root, "hidden/new"), "x")
	write(t, filepath.Join(root, "shown/new"), "x")
	for _, p := range []file.Path{"a/new", "b/new", "shown/new"} {
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
	}
	rescan(t, w, rec)
	time.Sleep(3 * w.tempo.grace) // until a hint would have come
	if s := rec.statusWhere(func(s Status) bool { return s.Unreliable }); s.Unreliable {
		t.Errorf("blamed: %+v", s)
	}
}
