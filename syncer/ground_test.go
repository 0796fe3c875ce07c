package syncer

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// standing returns what the folder stands on.
func (r *rig) standing() ground {
	r.Helper()
	g, err := groundOf(r.Context(), r.store, r.folder)
	r.must(err)
	return g
}

// stood records that the root's file system once had that number; of another directory where not same.
func (r *rig) stood(dev uint64, same bool) {
	r.Helper()
	g := r.standing()
	row := state.Root{Folder: r.folder.Name, Root: r.root, Dev: dev, Inode: g.root.Inode, Born: g.born, At: time.Now()}
	if !same {
		row.Inode++
	}
	r.must(r.store.SaveRoot(r.Context(), row))
}

func TestHasLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	was := r.drop("sub/deep/a", "1").Dev
	const before, foreign = 1 << 40, 1 << 41
	r.stood(before, true)
	r.stood(foreign, false)
	r.drop("bind/a", "1")
	r.planAs("bind/a", r.print("bind/a")) // so that the mount matters
	r.must(r.store.SaveMounts(t.Context(), r.folder.Name, r.root, []file.Path{"bind"}))
	g := r.standing()
	for _, row := range []struct {
		name       string
		path       file.Path
		was        uint64
		left, file bool
	}{
		{"its directory is there", "sub/deep/gone", was, true, true},
		{"its directory is gone", "sub/other/gone", was, true, true},
		{"a file stands where its directory was", "sub/deep/a/gone", was, true, true},
		{"a directory stands in its place", "sub/deep", was, true, true},
		{"it stands there", "sub/deep/a", was, true, false},
		{"it lay on a file system that does not show", "sub/deep/gone", was + 1, false, false},
		{"so did its directory", "sub/other/gone", was + 1, false, false},
		{"the system does not tell file systems apart", "sub/other/gone", 0, true, true},
		{"its file system has another number since", "sub/deep/gone", before, true, true},
		{"it lay where the same file system was mounted by another name", "bind/gone", was, false, false},
		{"it lay where another root stood", "sub/deep/gone", foreign, false, false},
	} {
		if got := g.hasLeft(row.path, row.was); got != row.left {
			t.Errorf("%s: %v, want %v", row.name, got, row.left)
		}
		if got := g.fileHasLeft(row.path, row.was); got != row.file {
			t.Errorf("%s, as a file: %v, want %v", row.name, got, row.file)
		}
	}
	r.must(os.RemoveAll(r.root))
	for _, g := range []ground{g, r.standing()} {
		if g.hasLeft("a", was) {
			t.Error("a missing root says that a file has left it")
		}
	}
}

// link puts a symbolic link into the folder, which not every account of Windows may.
func (r *rig) link(to, name string) {
	r.Helper()
	err := os.Symlink(to, r.source(name))
	if err != nil && runtime.GOOS == "windows" {
		r.Skipf("no symbolic links here: %v", err)
	}
	r.must(err)
}

// TestHasLeftBehindALink where the link leads to a place that is not mounted any more, though nothing is known by its own name; and
// never where a link that is not followed stands in place of a directory.
func TestHasLeftBehindALink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.route("acme", nowhere)
	was := r.drop("sub/a", "1").Dev
	r.planAs("sub/a", r.print("sub/a"))
	for name, to := range map[string]string{"lost": "bind/12", "there": "sub", "gone": "sub/none", "file": "bind/12/a"} {
		r.link(to, name)
	}
	r.must(r.store.SaveMounts(t.Context(), r.folder.Name, r.root, []file.Path{"bind"}))
	r.link(t.TempDir(), "out")
	r.link(r.at("nowhere"), "away")
	for _, follow := range []bool{true, false} {
		r.folder.FollowLinks = follow
		g := r.standing()
		for p, left := range map[file.Path]bool{
			"lost/a": false, "file": !follow, "there/none": follow, "there/none/a": follow, "gone/a": follow, "none/a": true, "none": true,
			"sub/none": true, "out": true, "out/a": false, "out/deep/a": false, "away/a": false,
		} {
			if got := g.hasLeft(p, was); got != left {
				t.Errorf("%s, links followed: %v: %v, want %v", p, follow, got, left)
			}
		}
	}
}

// TestRootIsOnRecord after a scan, once for each number.
func TestRootIsOnRecord(t *testing.T) {
	t.Parallel()
	for _, mirror := range []bool{false, true} {
		r := newRig(t)
		r.toFake()
		if mirror {
			r.mirrors("")
		}
		for range 3 {
			r.once()
		}
		all, err := r.store.Roots(t.Context(), r.folder.Name, r.root)
		if g := r.standing(); err != nil || len(all) != 1 || all[0].Dev != g.root.Dev || all[0].Inode != g.root.Inode || all[0].Born != g.born {
			t.Errorf("%+v, %v", all, err)
		}
	}
}

// TestRemovedFromARenumberedFileSystem removes what lay on the root's own file system, which had another number twice
// before, and not what lay on one that does not show.
func TestRemovedFromARenumberedFileSystem(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		same bool // it is the root's
		want []string
	}{
		"the root's":  {true, []string{"a"}},
		"another one": {false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.toFake()
			r.mirrors("in/.trash")
			r.drop("stays", "x")
			print := r.drop("a", "old")
			r.once()
			r.renumber("a")
			r.stood(otherNumber(print).Dev, row.same)
			r.stood(77, row.same)
			r.gone("a")
			for range 3 {
				r.once()
			}
			var got []string
			for _, removal := range r.removals() {
				got = append(got, string(removal.Path))
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("removed: %q, want %q", got, row.want)
			}
		})
	}
}

// TestStoryEndsOnARenumberedFileSystem has a source put away before the machine was started anew, and its version not
// closed: it is closed then, and the same name dropped again is a new delivery. From a file system that does not show
// nothing is known.
func TestStoryEndsOnARenumberedFileSystem(t *testing.T) {
	t.Parallel()
	for _, same := range []bool{true, false} {
		r := newStory(t, Archive)
		i := r.planAs("a", otherNumber(r.drop("a", "1")))[0]
		proof := proofOf("1", remote.ReadBack, i.Fingerprint.Modified())
		r.commit(&i, proof)
		r.deliverIntent(&i, proof)
		r.stood(i.Fingerprint.Dev, same)
		r.gone("a")
		r.takeAway(i.Version)
		r.wantClosed(&i, same, !same)
	}
}

// TestDirectoryReplacedByALink that is not followed, to a place outside the folder, keeps what was there at the destination,
// whether the place is there or not; it is removed once the link has gone.
func TestDirectoryReplacedByALink(t *testing.T) {
	t.Parallel()
	for _, follow := range []bool{false, true} {
		r := newRig(t)
		s := r.toFake()
		r.mirrors("")
		r.folder.FollowLinks = follow
		r.drop("stays", "x")
		r.drop("d/a", "1")
		r.drop("d/sub/b", "2")
		r.once()
		r.must(os.Rename(r.source("d"), r.at("big")))
		r.link(r.at("big"), "d")
		r.must(os.Remove(r.at("big/a")))
		r.thrice()
		r.must(os.RemoveAll(r.at("big")))
		r.thrice()
		if got := s.mirror(); len(got) != 3 {
			t.Errorf("links followed: %v: the mirror holds %v", follow, got)
		}
		r.must(os.Remove(r.source("d")))
		r.thrice()
		if got := s.mirror(); len(got) != 1 {
			t.Errorf("links followed: %v: in the end the mirror holds %v", follow, got)
		}
	}
}
