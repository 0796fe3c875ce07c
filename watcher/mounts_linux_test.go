package watcher

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/mounted"
)

// A file system that is mounted in the folder comes and goes without an event. While it is away, what it held is unknown.
func TestRunMountsInside(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := t.TempDir()
	at := mkdir(t, filepath.Join(root, "deep/mnt"))
	write(t, filepath.Join(at, "below"), "x")
	mount(t, "tmpfs", at, "tmpfs", 0)
	write(t, filepath.Join(at, "held"), "x")
	w := newQuick(t, Rules{Root: root, Rescan: time.Hour})
	rec := startWatching(t, w)
	eventually(t, "the file is ready", func() bool { return rec.isReady("deep/mnt/held") })

	eventually(t, "unmounted", func() bool { return unix.Unmount(at, 0) == nil })
	eventually(t, "the scan is not complete", func() bool {
		e, ok := find(rec.lastScan(), "deep/mnt")
		return ok && errors.Is(e.Err, ErrUnmounted) && !rec.status().Complete
	})
	if want := "open " + at + ": " + ErrUnmounted.Error(); !strings.Contains(rec.status().Reason, want) {
		t.Errorf("reason %q", rec.status().Reason)
	}
	if rec.isReady("deep/mnt/below") {
		t.Error("what lies below was handed over")
	}
	if err := os.RemoveAll(at); err != nil { // as udisks does
		t.Fatal(err)
	}
	before := rec.scanned()
	w.Rescan()
	eventually(t, "it is unknown all the same", func() bool {
		e, ok := find(rec.lastScan(), "deep/mnt")
		return rec.scanned() > before && ok && e.Err != nil
	})

	mkdir(t, at)
	mount(t, "tmpfs", at, "tmpfs", 0)
	write(t, filepath.Join(at, "again"), "x")
	eventually(t, "the new one is scanned", func() bool { return rec.isReady("deep/mnt/again") && rec.status().Complete })
	write(t, filepath.Join(at, "later"), "x")
	eventually(t, "and watched", func() bool { return rec.isReady("deep/mnt/later") })

	mount(t, "tmpfs", at, "tmpfs", 0) // over it
	write(t, filepath.Join(at, "over"), "x")
	eventually(t, "what is mounted over it is scanned", func() bool { return rec.isReady("deep/mnt/over") })
}

// A file system that is mounted while a scan is under way is remembered before anything is told of what it holds: whoever hears of that may be
// killed at once. So is one that the scan has come to already, at another place, and a part of the folder's own.
func TestScanRemembersAMountFirst(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	for name, bound := range map[string]func(root, beside string) string{
		"another file system":                 nil,
		"one that the scan has come to":       func(root, _ string) string { return filepath.Join(root, "a") },
		"a directory of the same file system": func(_, beside string) string { return beside },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			root, beside := mkdir(t, filepath.Join(dir, "root")), mkdir(t, filepath.Join(dir, "beside"))
			mount(t, "tmpfs", mkdir(t, filepath.Join(root, "a")), "tmpfs", 0)
			at := mkdir(t, filepath.Join(root, "m"))
			write(t, filepath.Join(root, "a/file"), "x")
			write(t, filepath.Join(beside, "file"), "x")
			m := &memory{}
			w := newQuick(t, Rules{Root: root})
			w.Remember(m)
			seen := false
			sink := &scanSink{each: func(e Entry) {
				switch e.Path {
				case "a/file":
					if bound == nil {
						mount(t, "tmpfs", at, "tmpfs", 0)
						write(t, filepath.Join(at, "file"), "x")
						break
					}
					mount(t, bound(root, beside), at, "", unix.MS_BIND)
				case "m/file":
					seen = true
					if places, err := m.Mounted(t.Context()); err != nil || !slices.Equal(places, []file.Path{"a", "m"}) {
						t.Errorf("remembered: %q, %v", places, err)
					}
				}
			}}
			if _, err := w.Scan(t.Context(), sink); err != nil || !seen {
				t.Errorf("%v, seen %v", err, seen)
			}
		})
	}
}

// So is one that comes with a directory, of which only a hint has told.
func TestRunRemembersAMountFirst(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	dir := t.TempDir()
	root, at := mkdir(t, filepath.Join(dir, "root")), mkdir(t, filepath.Join(dir, "comes/m"))
	mount(t, "tmpfs", at, "tmpfs", 0)
	write(t, filepath.Join(at, "file"), "x")
	m := &memory{}
	w := newQuick(t, Rules{Root: root, Rescan: time.Hour})
	w.tempo.askGap, w.tempo.askDelay, w.tempo.root = time.Hour, time.Hour, time.Hour // neither a scan nor another look may help out
	w.Remember(m)
	rec := startWatching(t, w)
	rename(t, filepath.Join(dir, "comes"), filepath.Join(root, "comes"))
	defer func() { _ = unix.Unmount(filepath.Join(root, "comes/m"), unix.MNT_DETACH) }() // else the directory cannot be removed
	eventually(t, "the file is ready", func() bool { return rec.isReady("comes/m/file") })
	if places, err := m.Mounted(t.Context()); err != nil || !slices.Equal(places, []file.Path{"comes/m"}) {
		t.Errorf("remembered: %q, %v", places, err)
	}
}

// scanSink looks at each entry of a scan.
type scanSink struct {
	recorder
	each func(Entry)
}

func (s *scanSink) Scan(_ context.Context, entries iter.Seq[Entry]) error {
	for e := range entries {
		s.each(e)
	}
	return nil
}

// A mount that is not to come back is forgotten while the folder is watched, on a word that asks for a scan.
func TestRunForgetsAMount(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	dir := t.TempDir()
	root, other := mkdir(t, filepath.Join(dir, "root")), mkdir(t, filepath.Join(dir, "other"))
	write(t, filepath.Join(other, "bound"), "x")
	at := mkdir(t, filepath.Join(root, "bind"))
	mount(t, other, at, "", unix.MS_BIND)
	m := &memory{}
	w := newQuick(t, Rules{Root: root, Rescan: time.Hour})
	w.Remember(m)
	rec := startWatching(t, w)
	eventually(t, "what was bound is found", func() bool { return rec.isReady("bind/bound") })
	eventually(t, "unmounted", func() bool { return unix.Unmount(at, 0) == nil })
	eventually(t, "it is unknown", func() bool { e, _ := find(rec.lastScan(), "bind"); return errors.Is(e.Err, ErrUnmounted) })
	m.forget("bind")
	w.Rescan()
	eventually(t, "it is known", func() bool { return rec.status().Complete })
	if got := Unmounted(root, []file.Path{"bind"}); len(got) != 1 {
		t.Errorf("unmounted: %q", got)
	}
}

// The same with a bind mount, which has the same device.
func TestRunBindInside(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	dir := t.TempDir()
	root, other := mkdir(t, filepath.Join(dir, "root")), mkdir(t, filepath.Join(dir, "other"))
	write(t, filepath.Join(other, "bound"), "x")
	at := mkdir(t, filepath.Join(root, "bind"))
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	mount(t, other, at, "", unix.MS_BIND)
	eventually(t, "what was bound is found", func() bool { return rec.isReady("bind/bound") })
	write(t, filepath.Join(other, "elsewhere"), "x") // by its other name: one inode, one watch
	eventually(t, "a change by the other name is told", func() bool { return rec.isReady("bind/elsewhere") })
	eventually(t, "unmounted", func() bool { return unix.Unmount(at, 0) == nil })
	eventually(t, "it is unknown", func() bool { e, _ := find(rec.lastScan(), "bind"); return errors.Is(e.Err, ErrUnmounted) })
}

// The same with an overlay, whose files have device numbers of their own until they are changed.
func TestRunOverlayInside(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	dir := t.TempDir()
	root, tmp := mkdir(t, filepath.Join(dir, "root")), mkdir(t, filepath.Join(dir, "tmp"))
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	mount(t, "tmpfs", tmp, "tmpfs", 0)
	lower, upper, work := mkdir(t, filepath.Join(tmp, "lower")), mkdir(t, filepath.Join(tmp, "upper")), mkdir(t, filepath.Join(tmp, "work"))
	write(t, filepath.Join(lower, "from-below"), "x")
	merged := mkdir(t, filepath.Join(root, "merged"))
	options := "lowerdir=" + lower + ",upperdir=" + upper + ",workdir=" + work
	mounted.Mount(t, "overlay", merged, "overlay", 0, options)
	eventually(t, "the overlay is found", func() bool { return rec.isReady("merged/from-below") })
	write(t, filepath.Join(merged, "new"), "x")
	write(t, filepath.Join(merged, "from-below"), "copied up")
	eventually(t, "changes in it are told", func() bool {
		e, _ := rec.readyEntry("merged/from-below")
		return rec.isReady("merged/new") && e.Fingerprint.Size == 9
	})
}

// On a root that lies on another file system than before, nothing is gone.
func TestNothingIsGoneFromARootMountedOver(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := mkdir(t, filepath.Join(t.TempDir(), "root"))
	write(t, filepath.Join(root, "a"), "x")
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	mount(t, "tmpfs", root, "tmpfs", 0)
	untrusted := func() bool {
		scan := rec.lastScan()
		return len(scan) > 0 && scan[len(scan)-1].Path == "" && errors.Is(scan[len(scan)-1].Err, errOtherDevice)
	}
	eventually(t, "the new root is scanned and not believed", untrusted)
	for range 3 {
		rescan(t, w, rec)
		if !untrusted() {
			t.Fatalf("scan: %+v", rec.lastScan())
		}
	}
	if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "b"), "x")
	eventually(t, "the first root is believed", func() bool { return rec.isReady("b") && rec.status().Complete })
}

// A part of a folder that lies on a network or FUSE file system is polled besides its hints. The mount is real, and what
// statfs says of it is not.
func TestRunPollsForeignParts(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	for kind, word := range map[fileSystem]string{networkFS: "network", userFS: "FUSE"} {
		root := t.TempDir()
		share := mkdir(t, filepath.Join(root, "share"))
		mount(t, "tmpfs", share, "tmpfs", 0)
		mkdir(t, filepath.Join(share, "sub"))
		w := newQuick(t, Rules{Root: root, Poll: 30 * time.Millisecond})
		w.kindOf = func(d *dir) fileSystem {
			if d.path == root {
				return localFS
			}
			return kind
		}
		w.notify = func(string, *dirty) (notifier, error) { return &silent{}, nil }
		rec := start(t, w)
		eventually(t, "two directories are polled", func() bool { return rec.status().Polled == 2 && rec.status().State == Watching })
		if want := share + " is on a " + word + " file system, which tells nothing of changes made elsewhere: " +
			"it is scanned every 0.03 s."; rec.status().Reason != want {
			t.Errorf("reason %q, want %q", rec.status().Reason, want)
		}
		write(t, filepath.Join(share, "sub/a"), "x")
		eventually(t, "the file is ready", func() bool { return rec.isReady("share/sub/a") })
		if rec.scanned() != 1 {
			t.Errorf("%d scans", rec.scanned())
		}
	}
}
