package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/mounted"
)

// mount mounts a small file system at a directory until the test ends.
func mount(t *testing.T, at string) (unmount func()) {
	t.Helper()
	return mounted.Mount(t, "tmpfs", at, "tmpfs", 0, "size=16m")
}

// bind shows a directory at another one, until the test ends.
func bind(t *testing.T, from, at string) (unmount func()) {
	t.Helper()
	return mounted.Mount(t, from, at, "", syscall.MS_BIND, "")
}

// TestUnmountedRootDeletesNothing: the mount point is empty, and its marker is on the disk.
func TestUnmountedRootDeletesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	unmount := mount(t, r.outbox)
	r.drop("a.txt", "a")
	r.drop("sub/b.txt", "b")
	r.deliver(2)
	unmount()
	for range 2 {
		all, summary := r.removing(3)
		if summary.Halted != 1 || summary.Removed != 0 {
			t.Fatalf("events: %+v", all)
		}
		time.Sleep(150 * time.Millisecond) // more than delete_delay
	}
	if h := r.haltOf(); h == nil || h.Reason != "marker-missing" {
		t.Errorf("halt: %+v", h)
	}
	r.wantCopy(map[string]string{"a.txt": "a", "sub/b.txt": "b"})
}

// TestUnmountedSubdirectoryDeletesNothing: the marker is there, and the files lay on another file system, or on the same one
// by another name. Each run is a new process, as after a restart of the machine.
func TestUnmountedSubdirectoryDeletesNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"tmpfs", "bind"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, deleting)
			sub := r.mkdir("outbox/sub")
			var unmount func()
			if kind == "bind" {
				unmount = bind(t, r.mkdir("elsewhere"), sub)
			} else {
				unmount = mount(t, sub)
			}
			for _, name := range []string{"a.txt", "gone.txt", "sub/b.txt", "sub/deep/c.txt"} {
				r.drop(name, name)
			}
			r.deliver(4)
			unmount()
			r.lose("gone.txt")
			r.removing(3)
			eventually(t, "only what cannot be seen is waited for", 10*time.Second, func() bool {
				for _, w := range r.plan(3).Waiting {
					if w.Reason != "unreadable" {
						return false
					}
				}
				return true
			})
			all, _ := r.removing(3)
			n := kinds(all)
			if n["trashed"] != 1 || n["unread"] != 1 {
				t.Errorf("events: %+v", all)
			}
			got := tree(t, filepath.Join(r.sshd.Dir, "copy"))
			if got["sub/b.txt"] != "sub/b.txt" || got["sub/deep/c.txt"] != "sub/deep/c.txt" || got["a.txt"] != "a.txt" {
				t.Errorf("the mirror holds %v", got)
			}
			contains(t, r.expect(0, "status").stdout, "not mounted any more: sub", "resume folder:outbox --accept-unmounted")
			r.refused(4, []string{"is for a folder"}, "resume", "destination:acme", "--accept-unmounted")
			contains(t, r.expect(0, "resume", "folder:outbox", "--accept-unmounted").stdout, "not waited for any more: sub")
			r.refused(1, []string{"is not mounted now"}, "resume", "folder:outbox", "--accept-unmounted")
			r.miss(0)
			r.removing(0)
			if got := tree(t, filepath.Join(r.sshd.Dir, "copy")); got["a.txt"] != "a.txt" || got["sub/b.txt"] != "" {
				t.Errorf("the mirror holds %v", got)
			}
		})
	}
}

// TestUnmountedBehindALinkDeletesNothing has a link lead to where nothing is mounted any more, on the same file system: what lay behind the
// link is unknown, too, and what the mount had covered is not taken for it.
func TestUnmountedBehindALinkDeletesNothing(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		link, exclude string
		covered       bool
	}{
		"to a directory":        {"releases/12", "nothing", false},
		"to a directory again":  {"releases/12", "nothing", true},
		"to the place":          {"releases", "nothing", true},
		"to what is not sent":   {"releases/12", "releases", false},
		"to a place not sent":   {"releases", "releases", true},
		"to a file by its name": {"releases/12/x.txt", "releases", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "symlinks = \"follow-inside\"\nexclude = [\""+row.exclude+"\"]\n"+deleting)
			releases := r.mkdir("outbox/releases")
			unmount := bind(t, r.mkdir("elsewhere"), releases)
			r.drop("a.txt", "a")
			r.drop("releases/12/x.txt", "x")
			if err := os.Symlink(row.link, filepath.Join(r.outbox, "current")); err != nil {
				t.Fatal(err)
			}
			r.once(0)
			want := tree(t, filepath.Join(r.sshd.Dir, "copy"))
			if len(want) < 2 {
				t.Fatalf("the mirror holds %v", want)
			}
			unmount()
			if row.covered {
				r.drop("releases/12/covered.txt", "not of this release")
			}
			for range 3 {
				r.removing(3)
				time.Sleep(150 * time.Millisecond) // more than delete_delay
			}
			r.wantCopy(want)
		})
	}
}
