package watcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dropferry/dropferry/file"
)

func survey(t *testing.T, w *Watcher, below file.Path) (names []file.Path, unread []Entry) {
	t.Helper()
	err := w.Survey(t.Context(), below, func(e Entry) bool {
		if e.Err != nil {
			unread = append(unread, e)
			return true
		}
		if want := lstat(t, e.Path.In(w.rules.Root)); e.Target == "" && e.Fingerprint != want {
			t.Errorf("%s: %+v, want %+v", e.Path, e.Fingerprint, want)
		}
		names = append(names, e.Path)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return names, unread
}

// A survey shows what a scan would, below one directory, without waiting for anything to settle.
func TestSurvey(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"top", "in/a.csv", "in/b.csv", "in/b.csv.done", "in/c.tmp", "in/no.txt", "in/sub/d.csv", "in-2/e.csv"} {
		write(t, filepath.Join(root, name), "x")
	}
	w := newQuick(t, Rules{Root: root, Exclude: []string{"*.txt"}, Ready: ReadyMarker, Marker: "{name}.done"})
	for _, c := range []struct {
		below file.Path
		want  []file.Path
	}{
		{"in", []file.Path{"in/a.csv", "in/b.csv", "in/sub/d.csv"}},
		{"in/sub", []file.Path{"in/sub/d.csv"}},
		{"", []file.Path{"in-2/e.csv", "in/a.csv", "in/b.csv", "in/sub/d.csv", "top"}},
		{"gone", nil},
		{"top", nil},
	} {
		if got, unread := survey(t, w, c.below); !slices.Equal(got, c.want) || len(unread) > 0 {
			t.Errorf("below %q: %q, %v, want %q", c.below, got, unread, c.want)
		}
	}
	n := 0
	if err := w.Survey(t.Context(), "", func(Entry) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("it was not stopped: %d, %v", n, err)
	}
}

func TestSurveyTellsWhatCannotBeRead(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "in/a"), "x")
	write(t, filepath.Join(root, "in/closed/b"), "x")
	if err := os.Chmod(filepath.Join(root, "in/closed"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(root, "in/closed"), 0o755) })
	w := newQuick(t, Rules{Root: root})
	if _, err := os.ReadDir(filepath.Join(root, "in/closed")); err == nil {
		t.Skip("this account can read everything")
	}
	got, unread := survey(t, w, "in")
	if !slices.Equal(got, []file.Path{"in/a"}) || len(unread) != 1 || unread[0].Path != "in/closed" || !errors.Is(unread[0].Err, fs.ErrPermission) {
		t.Errorf("%q, %+v", got, unread)
	}
	gone := newQuick(t, Rules{Root: filepath.Join(root, "none")})
	if err := gone.Survey(t.Context(), "", func(Entry) bool { return true }); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is away: %v", err)
	}
}

func TestSurveyThroughLinks(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "real/a"), "x")
	link(t, "../real", filepath.Join(root, "in/batch"))
	link(t, "../real/a", filepath.Join(root, "in/one"))
	w := newQuick(t, Rules{Root: root, Symlinks: SymlinksInside})
	if got, _ := survey(t, w, "in"); !slices.Equal(got, []file.Path{"in/batch/a", "in/one"}) {
		t.Errorf("%q", got)
	}
	if got, _ := survey(t, w, "in/batch"); !slices.Equal(got, []file.Path{"in/batch/a"}) {
		t.Errorf("behind a link: %q", got)
	}
	skipping := newQuick(t, Rules{Root: root})
	if got, _ := survey(t, skipping, "in"); len(got) > 0 {
		t.Errorf("links that are not followed: %q", got)
	}
}

func TestGlobs(t *testing.T) {
	globs, err := newGlobs([]string{"*.done", "MANIFEST*", "day/*.end"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[file.Path]int{
		"a.done": 0, "sub/a.done": 0, "MANIFEST": 1, "sub/MANIFEST.txt": 1, "MANIFEST.done": 0, "day/x.end": 2,
		"x.end": -1, "sub/day/x.end": -1, "a.csv": -1, "A.DONE": -1,
	} {
		got, ok := globs.First(p)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %d, %v, want %d", p, got, ok, want)
		}
	}
	folding, err := newGlobs([]string{"*.Done"}, true)
	if n, ok := folding.First("A.DONE"); err != nil || n != 0 || !ok {
		t.Errorf("where case does not count: %d, %v, %v", n, ok, err)
	}
	if _, err := NewGlobs([]string{"[a"}); err == nil {
		t.Error("an invalid pattern was taken")
	}
	if none, _ := NewGlobs(nil); none.Len() != 0 || !slices.Equal(globs.Texts(), []string{"*.done", "MANIFEST*", "day/*.end"}) {
		t.Errorf("%d patterns of none, and %q", none.Len(), globs.Texts())
	}
}
