package watcher

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/internal/mounted"
)

// childEnv tells a test that it is the child, and holds the name of the test.
const childEnv = "DROPFERRY_WATCHER_TEST_CHILD"

// inChild makes a test run in a process of its own: it returns true there, and false in the parent once the child has
// passed. prepare sets the child up.
func inChild(t *testing.T, prepare func(*exec.Cmd)) bool {
	t.Helper()
	if os.Getenv(childEnv) == t.Name() {
		return true
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=2m")
	// The race detector would wait a second at the end of each child.
	cmd.Env = append(os.Environ(), childEnv+"="+t.Name(), "GORACE=atexit_sleep_ms=0")
	prepare(cmd)
	out, err := cmd.CombinedOutput()
	text := string(out)
	switch {
	case err != nil && len(out) == 0 && mounted.Required():
		t.Fatalf("no such process can be started here, as root: %v", err)
	case err != nil && len(out) == 0:
		t.Skipf("no such process can be started here: %v", err)
	case err != nil:
		t.Fatalf("in the child: %v\n%s", err, text)
	case strings.Contains(text, "--- SKIP"):
		t.Skipf("skipped in the child:\n%s", text)
	case !strings.Contains(text, "--- PASS"):
		t.Fatalf("the child ran nothing:\n%s", text)
	}
	return false
}

// nobody is a user without rights of its own.
const nobody = 65534

// asNobody runs a test as nobody, because root can read everything. It returns true in the process that does the test.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	if !inChild(t, func(*exec.Cmd) {}) {
		return false
	}
	becomeNobody(t)
	return true
}

// becomeNobody gives up all rights. The child does so by itself, because the test's binary lies where nobody could start it.
func becomeNobody(t *testing.T) {
	t.Helper()
	if err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)); err != nil {
		t.Skipf("cannot become nobody: %v", err)
	}
}

// mount mounts source on target until the test ends.
func mount(t *testing.T, source, target, kind string, flags uintptr) {
	t.Helper()
	mounted.Mount(t, source, target, kind, flags, "")
}

// asUserRoot runs a test as root of a user namespace of its own, with its own mounts and inotify limits.
func asUserRoot(t *testing.T) bool {
	t.Helper()
	return inChild(t, func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		}
	})
}

// What cannot be read is unknown; everything else is scanned.
func TestScanUnreadable(t *testing.T) {
	if !asNobody(t) {
		return
	}
	root := t.TempDir()
	for _, name := range []string{"a/x", "closed/x", "closed-too/x", "unsearchable/x", "z/x"} {
		write(t, filepath.Join(root, name), "")
	}
	modes := map[string]os.FileMode{"closed": 0, "unsearchable": 0o444}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for name := range modes {
			_ = os.Chmod(filepath.Join(root, name), 0o755)
		}
	})
	got, sum := scanOnce(t, Rules{Root: root})
	want := []string{"a", "a/x", "closed", "closed-too", "closed-too/x", "unsearchable", "unsearchable/x", "z", "z/x"}
	if !slices.Equal(paths(got), want) {
		t.Errorf("got %q, want %q", paths(got), want)
	}
	for _, e := range got {
		unreadable := e.Path == "closed" || e.Path == "unsearchable/x"
		if (e.Err != nil) != unreadable || (unreadable && !errors.Is(e.Err, os.ErrPermission)) {
			t.Errorf("%s: %v", e.Path, e.Err)
		}
		if unreadable && !strings.Contains(e.Err.Error(), e.Path.In(root)+": permission denied") {
			t.Errorf("%s: the error reads %q", e.Path, e.Err)
		}
	}
	if sum.Complete || len(sum.Errors) != 2 || sum.Files != 3 {
		t.Errorf("summary %+v", sum)
	}
}

func TestRunUnreadable(t *testing.T) {
	if !asNobody(t) {
		return
	}
	root := t.TempDir()
	closed := mkdir(t, filepath.Join(root, "closed"))
	write(t, filepath.Join(closed, "x"), "")
	chmod := func(name string, mode os.FileMode) {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod(closed, 0)
	t.Cleanup(func() { _ = os.Chmod(closed, 0o755) })
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	if s := rec.status(); s.Complete || s.Reason != "The last scan of "+root+" was not complete: open "+closed+": permission denied." {
		t.Errorf("status %+v", s)
	}
	chmod(closed, 0o755)
	eventually(t, "the file is ready", func() bool { return rec.isReady("closed/x") })
	eventually(t, "the scan is complete", func() bool { return rec.status().Complete && rec.status().Reason == "" })

	chmod(root, 0)
	t.Cleanup(func() { _ = os.Chmod(root, 0o755) })
	eventually(t, "waiting", func() bool { return rec.status().State == Waiting })
	if reason := rec.status().Reason; !strings.Contains(reason, "permission denied") {
		t.Errorf("reason %q", reason)
	}
	chmod(root, 0o755)
	eventually(t, "watching", func() bool { return rec.status().State == Watching })
}

// A file that only its owner may read is handed over, so that whoever cannot send it says why; and where no lease can be
// had, the longer quiet time holds.
func TestRunWithoutLeases(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to have files of somebody else")
	}
	const rootEnv = childEnv + "_ROOT"
	root := os.Getenv(rootEnv)
	if root == "" { // the parent makes the folder, and holds a file in it open
		root = t.TempDir()
		if err := errors.Join(os.Chmod(filepath.Dir(root), 0o755), os.WriteFile(filepath.Join(root, "secret"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(root, "open"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
	}
	if !inChild(t, func(cmd *exec.Cmd) { cmd.Env = append(cmd.Env, rootEnv+"="+root) }) {
		return
	}
	becomeNobody(t)
	w := newQuick(t, Rules{Root: root})
	w.tempo.blind = time.Second
	rec := startWatching(t, w)
	for _, p := range []file.Path{"open", "secret"} {
		eventually(t, string(p)+" is ready", func() bool { return rec.isReady(p) })
		e, _ := rec.readyEntry(p)
		if age := e.Seen.Sub(e.Fingerprint.LastChange(e.Seen)); age < w.tempo.blind {
			t.Errorf("%s is ready %v after its last change", p, age)
		}
	}
	if _, err := Open(root, "secret", lstat(t, filepath.Join(root, "secret"))); !errors.Is(err, os.ErrPermission) {
		t.Errorf("err = %v, want permission denied", err)
	}
}

// A writable mapping counts as a writer after its descriptor is closed, and gives no events at all.
func TestMappedFileIsBusy(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	name := filepath.Join(root, "mapped")
	write(t, name, strings.Repeat("x", 4096))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	eventually(t, "the file is being written", func() bool {
		waiting := w.Waiting()
		return len(waiting) == 1 && waiting[0].Reason == reasonWriting
	})
	if _, err := Open(root, "mapped", lstat(t, name)); !errors.Is(err, ErrBusy) {
		t.Errorf("err = %v, want ErrBusy", err)
	}
	mapped[0] = 'y'
	if err := unix.Munmap(mapped); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file is ready", func() bool { return rec.isReady("mapped") })
	eventually(t, "with its last stat", func() bool {
		e, _ := rec.readyEntry("mapped")
		return e.Fingerprint == lstat(t, name)
	})
}

// An unmounted root shows the empty directory below. It is not what the folder holds.
func TestRunUnmountedRoot(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := mkdir(t, filepath.Join(t.TempDir(), "mnt"))
	below := filepath.Join(root, "below")
	write(t, below, "x")
	mount(t, "tmpfs", root, "tmpfs", 0)
	if look, err := lookAtRoot(root); err != nil || !look.mountPoint {
		t.Skipf("the kernel does not tell mount points: %+v, %v", look, err)
	}
	write(t, filepath.Join(root, "sub/a"), "x")
	rec := startWatching(t, newQuick(t, Rules{Root: root}))
	eventually(t, "the file is ready", func() bool { return rec.isReady("sub/a") })

	eventually(t, "unmounted: an idle watcher keeps nothing open", func() bool { return unix.Unmount(root, 0) == nil })
	eventually(t, "waiting", func() bool { return rec.status().State == Waiting })
	if reason := rec.status().Reason; !strings.HasPrefix(reason, "Nothing is mounted at "+root) {
		t.Errorf("reason %q", reason)
	}
	if rec.isReady("below") {
		t.Error("the directory below the mount was looked at")
	}

	mount(t, "tmpfs", root, "tmpfs", 0)
	write(t, filepath.Join(root, "b"), "x")
	eventually(t, "the new file is ready", func() bool { return rec.isReady("b") })
	eventually(t, "watching", func() bool { return rec.status().State == Watching })

	// Mounted over: no event tells.
	mount(t, "tmpfs", root, "tmpfs", 0)
	write(t, filepath.Join(root, "c"), "x")
	eventually(t, "what is mounted over it is scanned", func() bool { return rec.isReady("c") })
}

// A file system that was unmounted and mounted again has the same device and inode, and none of the watches.
func TestRunRemountedRoot(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	dir := t.TempDir()
	root, other := mkdir(t, filepath.Join(dir, "mnt")), mkdir(t, filepath.Join(dir, "other"))
	mount(t, other, root, "", unix.MS_BIND)
	if look, err := lookAtRoot(root); err != nil || look.mount == 0 {
		t.Skipf("the kernel does not tell mounts apart: %+v, %v", look, err)
	}
	w := newQuick(t, Rules{Root: root})
	rec := startWatching(t, w)
	before := rec.scanned()
	eventually(t, "unmounted", func() bool { return unix.Unmount(root, 0) == nil })
	mount(t, other, root, "", unix.MS_BIND)
	eventually(t, "a scan after the mount", func() bool { return rec.scanned() > before })
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "events come", func() bool { return rec.isReady("a") })
}

// A write through memory comes without an event. A scan finds it, and that hints cannot be relied on is said.
func TestRunFindsWritesThroughMemory(t *testing.T) {
	needProbe(t)
	root := t.TempDir()
	name := filepath.Join(root, "mapped")
	write(t, name, strings.Repeat("x", 4096))
	w := newQuick(t, Rules{Root: root, Poll: 60 * time.Millisecond})
	rec := startWatching(t, w)
	eventually(t, "the file is ready", func() bool { return rec.isReady("mapped") })
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	mapped[0] = 'y'
	if err := errors.Join(unix.Msync(mapped, unix.MS_SYNC), unix.Munmap(mapped)); err != nil {
		t.Fatal(err)
	}
	written := lstat(t, name)
	eventually(t, "it is found", func() bool {
		w.Rescan()
		e, _ := rec.readyEntry("mapped")
		return e.Fingerprint == written
	})
	eventually(t, "hints are not relied on", func() bool { w.Rescan(); return rec.status().Unreliable })
}

// The kernel's queue of events is full: what was lost is found by a scan.
func TestRunOutrunsTheKernelsQueue(t *testing.T) {
	const limit = "/proc/sys/fs/inotify/max_queued_events"
	before, err := os.ReadFile(limit)
	if err != nil || os.WriteFile(limit, before, 0) != nil {
		t.Skip("only root sets the length of the queue")
	}
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root, Rescan: time.Hour})
	var lost atomic.Int64
	w.log = slog.New(slog.NewTextHandler(writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("hints were lost")) && bytes.Contains(b, []byte("overflow")) {
			lost.Add(1)
		}
		return len(b), nil
	}), nil))
	w.notify = func(root string, hints *dirty) (notifier, error) {
		restore := func() {
			if err := os.WriteFile(limit, before, 0); err != nil {
				t.Errorf("%s is not what it was: %v", limit, err)
			}
		}
		defer restore() // the length is that of the moment when a queue is made
		if err := os.WriteFile(limit, []byte("2"), 0); err != nil {
			return nil, err
		}
		return newNotifier(root, hints)
	}
	rec := startWatching(t, w)
	n := 0
	eventually(t, "events are lost", func() bool {
		for range 500 {
			write(t, filepath.Join(root, fmt.Sprint("file ", n)), "x")
			n++
		}
		return lost.Load() > 0
	})
	eventually(t, "every file is ready", func() bool { return len(rec.readyPaths()) == n })
}

// writerFunc is an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// Beyond the kernel's limit of watches the folder is scanned, and the sentence says what to do.
func TestRunAtTheWatchLimit(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	const limit = "/proc/sys/user/max_inotify_watches"
	if err := os.WriteFile(limit, []byte("4"), 0); err != nil {
		t.Skipf("cannot set a limit of our own: %v", err)
	}
	root := t.TempDir()
	for i := range 10 {
		mkdir(t, filepath.Join(root, fmt.Sprint("d", i)))
	}
	w := newQuick(t, Rules{Root: root})
	w.rules.Poll = 50 * time.Millisecond
	rec := start(t, w)
	eventually(t, "a part is polled", func() bool { return rec.status().State == Watching && rec.status().Polled == 7 })
	s := rec.status()
	watches, err := readLimit("max_user_watches")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("Cannot watch 7 more folders under %s: the Linux inotify limit %d is reached (the disk is not full). "+
		"Fix: sysctl fs.inotify.max_user_watches=%d. Until then those are scanned every 0.05 s.", root, watches, max(524288, 2*watches))
	if s.Reason != want || s.Watches != 4 || s.Polling || s.PollEvery != w.rules.Poll || !s.Complete {
		t.Errorf("status %+v\nwant reason %q", s, want)
	}
	for i := range 10 {
		write(t, filepath.Join(root, fmt.Sprint("d", i), "x"), "x")
	}
	eventually(t, "all files are ready", func() bool { return len(rec.readyPaths()) == 10 })
	if n := rec.scanned(); n > 1 {
		t.Errorf("%d scans of the whole folder, want 1", n)
	}
	for i := range 10 { // what is gone, and what is new, asks for a scan all the same
		name := filepath.Join(root, fmt.Sprint("d", i))
		if err := os.Remove(filepath.Join(name, "x")); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(name, "deep/y"), "y")
	}
	eventually(t, "new directories are found", func() bool {
		_, found := find(rec.lastScan(), "d0/x")
		return len(rec.readyPaths()) == 20 && !found
	})

	if err := os.WriteFile(limit, []byte("1000"), 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "watching", func() bool {
		s := rec.status()
		return s.State == Watching && s.Reason == "" && s.Watches == 21 && s.Polled == 0
	})
}

func TestRunAtTheInstanceLimit(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	const limit = "/proc/sys/user/max_inotify_instances"
	if err := os.WriteFile(limit, []byte("0"), 0); err != nil {
		t.Skipf("cannot set a limit of our own: %v", err)
	}
	root := t.TempDir()
	w := newQuick(t, Rules{Root: root})
	w.rules.Poll = 50 * time.Millisecond
	rec := start(t, w)
	eventually(t, "polling", func() bool { return rec.status().State == Polling })
	if s := rec.status(); !strings.Contains(s.Reason, "sysctl fs.inotify.max_user_instances=") || s.Watches != 0 {
		t.Errorf("status %+v", s)
	}
	write(t, filepath.Join(root, "a"), "x")
	eventually(t, "the file is ready", func() bool { return rec.isReady("a") })
	if err := os.WriteFile(limit, []byte("10"), 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "watching", func() bool { return rec.status().State == Watching })
}
