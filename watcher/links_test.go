package watcher

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/file"
)

// link makes a symbolic link.
func link(t *testing.T, target, name string) {
	t.Helper()
	mkdir(t, filepath.Dir(name))
	if err := os.Symlink(target, name); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
}

func TestRealPath(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "a/b/file"), "x")
	write(t, filepath.Join(outside, "secret"), "x")
	for name, target := range map[string]string{
		"to-file": "a/b/file", "to-dir": "a/b", "a/up": "../a/b/file", "to-link": "to-file", "a/to-dir": "../to-dir/../b/file",
		"absolute": filepath.Join(root, "a/b"), "out": outside, "out-file": filepath.Join(outside, "secret"),
		"relative-out": "../../" + filepath.Base(outside), "just-out": "..", "out-and-in": "../" + filepath.Base(root) + "/a",
		"circle": "circle", "ping": "pong", "pong": "ping", "nowhere": "nothing", "dots": "./a/./b//file", "above": ".",
	} {
		link(t, target, filepath.Join(root, name))
	}
	way, err := descend(root)
	if err != nil {
		t.Fatal(err)
	}
	defer way.close()
	for p, want := range map[file.Path]file.Path{
		"a/b/file": "a/b/file", "to-file": "a/b/file", "to-dir": "a/b", "to-dir/file": "a/b/file", "a/up": "a/b/file",
		"to-link": "a/b/file", "a/to-dir": "a/b/file", "absolute": "a/b", "absolute/file": "a/b/file", "dots": "a/b/file", "above": "",
	} {
		if got, err := way.real(p); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", p, got, err, want)
		}
	}
	for p, want := range map[file.Path]error{
		"out": errLinkOut, "out-file": errLinkOut, "out/secret": errLinkOut, "relative-out": errLinkOut, "just-out": errLinkOut,
		"out-and-in": errLinkOut, "circle": errLinkLoop, "ping": errLinkLoop, "nowhere": os.ErrNotExist, "none": os.ErrNotExist,
	} {
		if got, err := way.real(p); !errors.Is(err, want) {
			t.Errorf("%s: %q, %v, want %v", p, got, err, want)
		}
	}
}

func TestReal(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a/b/file"), "x")
	for name, target := range map[string]string{
		"to-dir": "a/b", "nowhere": "gone/12", "far": "nowhere/../12", "out": "..", "gone-out": "gone/../../x", "circle": "circle",
	} {
		link(t, target, filepath.Join(root, name))
	}
	for p, want := range map[file.Path]file.Path{
		"a/b/file": "a/b/file", "to-dir/file": "a/b/file", "to-dir/none/x": "a/b/none/x", "nowhere": "gone/12", "nowhere/x": "gone/12/x",
		"far/x": "gone/12/x", "out/x": "out/x", "gone-out": "gone-out", "circle": "circle", "a/b/file/x": "a/b/file/x", "none": "none",
	} {
		if got := Real(root, p); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
	if got := Real(filepath.Join(root, "none"), "a"); got != "a" {
		t.Errorf("without a root: %q", got)
	}
}

func TestScanFollowsLinksInside(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret/x"), "x")
	write(t, filepath.Join(root, "real/sub/file"), "x")
	write(t, filepath.Join(root, "a-before"), "x")
	link(t, "real", filepath.Join(root, "a"))                 // sorts around its content: a, a-before, a/sub
	link(t, "real/sub/file", filepath.Join(root, "file.xml")) // a file
	link(t, "../..", filepath.Join(root, "real/sub/loop"))    // to the root
	link(t, "../sub", filepath.Join(root, "real/sub/self"))   // to where it lies
	link(t, filepath.Join(outside, "secret"), filepath.Join(root, "out"))
	link(t, "nothing", filepath.Join(root, "broken"))
	got, sum := scanOnce(t, Rules{Root: root, Symlinks: SymlinksInside})
	want := []string{
		"a", "a-before", "a/sub", "a/sub/file", "a/sub/loop", "a/sub/self", "broken", "file.xml", "out", "real", "real/sub",
		"real/sub/file", "real/sub/loop", "real/sub/self",
	}
	if !slices.Equal(paths(got), want) {
		t.Fatalf("got  %q\nwant %q", paths(got), want)
	}
	if !sum.Complete || sum.Files != 4 || sum.Dirs != 4 {
		t.Errorf("summary %+v", sum)
	}
	for p, reason := range map[file.Path]string{
		"a/sub/loop": errLinkAbove.Error(), "a/sub/self": errLinkAbove.Error(), "real/sub/self": errLinkAbove.Error(),
		"out": errLinkOut.Error(), "broken": "symbolic link: it leads nowhere",
	} {
		if e, _ := find(got, p); e.Kind != Other || e.Ready || !strings.HasPrefix(e.Reason, reason) {
			t.Errorf("%s: %+v", p, e)
		}
	}
	print := lstat(t, filepath.Join(root, "real/sub/file"))
	for p, target := range map[file.Path]file.Path{"file.xml": "real/sub/file", "a/sub/file": "", "real/sub/file": ""} {
		if e, _ := find(got, p); e.Kind != File || e.Target != target || e.Fingerprint != print {
			t.Errorf("%s: %+v", p, e)
		}
		s, err := Open(root, p, print) // what is reported can be opened
		if err != nil {
			t.Errorf("open %s: %v", p, err)
			continue
		}
		if err := errors.Join(s.Unchanged(), s.Close()); err != nil {
			t.Error(err)
		}
	}
	if e, _ := find(got, "a"); e.Kind != Dir || e.Target != "real" {
		t.Errorf("a: %+v", e)
	}
}

// Two links in each of a chain of directories would make a tree of a thousand; and loops through one another end.
func TestScanOfManyLinksEnds(t *testing.T) {
	root := t.TempDir()
	for i := range 20 {
		dir := mkdir(t, filepath.Join(root, fmt.Sprint("d", 10+i)))
		for _, name := range []string{"x", "y"} {
			link(t, fmt.Sprint("../d", 10+(i+1)%20), filepath.Join(dir, name))
		}
	}
	got, sum := scanOnce(t, Rules{Root: root, Symlinks: SymlinksInside})
	if !sum.Complete || len(got) > 20*(1<<(maxLinkDepth+2)) {
		t.Errorf("%d entries, summary %+v", len(got), sum)
	}
	for _, e := range got {
		if strings.Count(string(e.Path), "/") > maxLinkDepth+1 {
			t.Fatalf("%s is too deep", e.Path)
		}
	}
}

// A change of the target is a change of the link.
func TestRunFollowsLinksInside(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "real/sub/one"), "x")
	write(t, filepath.Join(root, "pool/data"), "x")
	link(t, "real", filepath.Join(root, "linked"))
	link(t, "pool/data", filepath.Join(root, "current"))
	w := newQuick(t, Rules{Root: root, Symlinks: SymlinksInside})
	rec := startWatching(t, w)
	for _, p := range []file.Path{"linked/sub/one", "current"} {
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
	}
	write(t, filepath.Join(root, "real/sub/two"), "x")
	write(t, filepath.Join(root, "pool/data"), "changed")
	eventually(t, "a new file is ready under both names", func() bool { return rec.isReady("linked/sub/two") && rec.isReady("real/sub/two") })
	isCurrent := func(target string) func() bool {
		return func() bool {
			e, _ := rec.readyEntry("current")
			return e.Fingerprint == lstat(t, filepath.Join(root, target))
		}
	}
	eventually(t, "the changed file is ready under the link's name", isCurrent("pool/data"))

	write(t, filepath.Join(root, "pool/next"), "another")
	link(t, "pool/next", filepath.Join(root, "switch.tmp"))
	rename(t, filepath.Join(root, "switch.tmp"), filepath.Join(root, "current"))
	eventually(t, "the link leads elsewhere", isCurrent("pool/next"))
	if e, _ := rec.readyEntry("current"); e.Target != "pool/next" {
		t.Errorf("%+v", e)
	}
	link(t, "real/sub", filepath.Join(root, "later"))
	eventually(t, "what a new link leads to is ready", func() bool { return rec.isReady("later/one") })
	if e := w.Explain("linked/sub/one"); !e.Exists || e.Kind != File {
		t.Errorf("explanation %+v", e)
	}
}

func TestLinksNames(t *testing.T) {
	l := newLinks()
	l.add("x", "real")
	l.add("x", "real")
	l.add("x/y", "other")
	l.add("real/loop", "x")
	got := l.names("real/a")
	slices.Sort(got)
	if want := []file.Path{"x/a"}; !slices.Contains(got, want[0]) || len(got) > 2*maxLinkDepth {
		t.Errorf("got %q", got)
	}
	if got := l.names("other"); !slices.Contains(got, "x/y") {
		t.Errorf("got %q", got)
	}
	if got := l.names("elsewhere"); got != nil {
		t.Errorf("got %q", got)
	}
	l.add("x", "another")
	l.add("x", "another")
	if got := l.names("another/a"); got[0] != "x/a" {
		t.Errorf("led elsewhere: %q", got)
	}
	for n := range 100_000 { // to one target: this is no matter of minutes
		l.add(file.Path(fmt.Sprint("many/", n)), "one")
	}
	if got := l.names("one"); len(got) != 100_000 {
		t.Errorf("%d names", len(got))
	}
}

// A directory that a link takes the place of is watched no more, and what the link leads to is not looked at.
func TestRunDirectoryReplacedByLink(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(root, "sub/deep/a"), "x")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	eventually(t, "the file is ready", func() bool { return rec.isReady("sub/deep/a") })
	rename(t, filepath.Join(root, "sub"), filepath.Join(outside, "sub"))
	link(t, filepath.Join(outside, "sub"), filepath.Join(root, "sub"))
	eventually(t, "a scan tells of the link alone", func() bool {
		e, ok := find(rec.lastScan(), "sub")
		return ok && e.Kind == Other && len(rec.lastScan()) == 1 && rec.status().Watches == 1
	})
	write(t, filepath.Join(outside, "sub/deep/b"), "x")
	write(t, filepath.Join(root, "last"), "x")
	eventually(t, "events come", func() bool { return rec.isReady("last") })
	if rec.isReady("sub/deep/b") {
		t.Error("a file behind the link was handed over")
	}
}
