package watcher

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/internal/mounted"
)

func TestFileSystemOf(t *testing.T) {
	for path, want := range map[string]fileSystem{"/proc": localFS, "/dev": localFS} {
		d, err := openRoot(path)
		if err != nil {
			t.Skip(err)
		}
		if got := d.fileSystem(); got != want {
			t.Errorf("%s is %v", path, got)
		}
		d.close()
	}
}

// On a network file system hints cannot be relied on, and files take longer to settle.
func TestNetworkFileSystem(t *testing.T) {
	w := newQuick(t, Rules{Root: "/srv/out"})
	if got := w.quiet("a", networkFS, writersNone); got != w.tempo.remote {
		t.Errorf("quiet time %v", got)
	}
	if got := w.quiet("a", userFS, writersUnknown); got != w.tempo.remote {
		t.Errorf("quiet time on FUSE %v", got)
	}
	r := &watch{w: w, tree: newWatchTree("/srv/out", &silent{}), network: networkFS.String()}
	want := "/srv/out is on a network file system, which tells nothing of changes made elsewhere: it is scanned every 60 s."
	if !r.polling() || r.reason() != want {
		t.Errorf("polling %v, reason %q", r.polling(), r.reason())
	}
	w.rules.Watch = WatchEvents
	if r.polling() || r.reason() != "" {
		t.Errorf("with events asked for: polling %v, reason %q", r.polling(), r.reason())
	}
}

// On a real FUSE file system statfs says so, and the folder is polled.
func TestRunOnFUSE(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := t.TempDir()
	mountEmptyFUSE(t, root)
	d, err := openRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	if kind := d.fileSystem(); kind != userFS {
		t.Errorf("statfs says %v", kind)
	}
	d.close()
	w := newQuick(t, Rules{Root: root, Poll: 50 * time.Millisecond})
	rec := start(t, w)
	eventually(t, "polling", func() bool { return rec.status().State == Polling && rec.scanned() > 2 })
	want := root + " is on a FUSE file system, which tells nothing of changes made elsewhere: it is scanned every 0.05 s."
	if s := rec.status(); s.Reason != want || !s.Complete {
		t.Errorf("status %+v", s)
	}
}

// A real file system that does not answer: it is said to hang, and at the end nobody waits for it. When it answers again all is
// as before.
func TestRunOnAFileSystemThatHangs(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := t.TempDir()
	var gate sync.Mutex // held: nothing is answered
	mountGatedFUSE(t, root, &gate)
	w := newQuick(t, Rules{Root: root, Poll: 20 * time.Millisecond})
	w.tempo.stall, w.tempo.leave = 200*time.Millisecond, 200*time.Millisecond
	rec := &recorder{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx, rec) }()
	eventually(t, "it is scanned", func() bool { return rec.status().State == Polling })
	gate.Lock()
	eventually(t, "it hangs", func() bool { return rec.status().State == Hanging })
	if want := "The file system of " + root + " does not answer."; !strings.HasPrefix(rec.status().Reason, want) {
		t.Errorf("reason %q", rec.status().Reason)
	}
	gate.Unlock()
	eventually(t, "it goes on", func() bool { return rec.status().State == Polling })
	gate.Lock()
	eventually(t, "it hangs again", func() bool { return rec.status().State == Hanging })
	scans := rec.scanned()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, ErrHangs) {
			t.Errorf("Run: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Run waits for a file system that hangs")
	}
	if err := w.Run(t.Context(), rec); !errors.Is(err, errRunning) {
		t.Errorf("Run again: %v", err)
	}
	gate.Unlock()
	eventually(t, "what was left behind has ended", func() bool {
		if !w.running.TryLock() {
			return false
		}
		w.running.Unlock()
		return true
	})
	if n := rec.scanned(); n != scans {
		t.Errorf("it has told of %d scans since", n-scans)
	}
}

// A scan that should end by itself gives up, without anybody's word.
func TestScanOfAFileSystemThatHangs(t *testing.T) {
	if !asUserRoot(t) {
		return
	}
	root := t.TempDir()
	var gate sync.Mutex
	mountGatedFUSE(t, root, &gate)
	w := newQuick(t, Rules{Root: root})
	w.tempo.stall, w.tempo.giveUp = 100*time.Millisecond, 300*time.Millisecond
	gate.Lock()
	sum, err := w.Scan(t.Context(), &recorder{})
	if !errors.Is(err, ErrHangs) || sum.Complete {
		t.Errorf("%+v, %v", sum, err)
	}
	gate.Unlock()
	eventually(t, "the scan that was left behind has ended", func() bool {
		_, err := w.Scan(t.Context(), &recorder{})
		return err == nil
	})
}

// mountEmptyFUSE mounts an empty directory that this test serves, by the protocol of linux/fuse.h.
func mountEmptyFUSE(t *testing.T, at string) { mountGatedFUSE(t, at, &sync.Mutex{}) }

// mountGatedFUSE mounts one that answers nothing while the gate is held.
func mountGatedFUSE(t *testing.T, at string, gate *sync.Mutex) {
	t.Helper()
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		mounted.Missing(t, "fuse", fmt.Errorf("open /dev/fuse: %w", err))
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", fd)
	if err := unix.Mount("test", at, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fd)
		mounted.Missing(t, "fuse", err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { serveEmptyFUSE(t, fd, gate) })
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH|unix.MNT_FORCE); err != nil {
			t.Errorf("unmount: %v", err)
		}
		serving.Wait()
		_ = unix.Close(fd)
	})
}

// serveEmptyFUSE answers requests until the file system is unmounted.
func serveEmptyFUSE(t *testing.T, fd int, gate *sync.Mutex) {
	buf := make([]byte, 1<<17)
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.ENODEV):
			return
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENOENT):
			continue
		case err != nil || n < 40:
			t.Errorf("read from FUSE: %d bytes, %v", n, err)
			return
		}
		gate.Lock()
		gate.Unlock() //nolint:staticcheck // it only waits
		body, failure, silent := answerFUSE(binary.NativeEndian.Uint32(buf[4:]))
		if silent {
			continue
		}
		reply := make([]byte, 16, 16+len(body))
		binary.NativeEndian.PutUint32(reply, uint32(16+len(body)))
		binary.NativeEndian.PutUint32(reply[4:], uint32(-int32(failure)))
		copy(reply[8:], buf[8:16]) // the request's number
		if _, err := unix.Write(fd, append(reply, body...)); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
			t.Errorf("answer FUSE: %v", err)
			return
		}
	}
}

// answerFUSE returns the body of the answer to a request, by its number.
func answerFUSE(opcode uint32) (body []byte, failure unix.Errno, silent bool) {
	switch opcode {
	case 26: // INIT
		body = make([]byte, 64)
		binary.NativeEndian.PutUint32(body, 7)
		binary.NativeEndian.PutUint32(body[4:], 31)
		binary.NativeEndian.PutUint32(body[20:], 1<<16) // the longest write
	case 3: // GETATTR, of the root: there is nothing else
		body = make([]byte, 104)
		binary.NativeEndian.PutUint64(body[16:], 1) // inode
		binary.NativeEndian.PutUint32(body[76:], unix.S_IFDIR|0o755)
		binary.NativeEndian.PutUint32(body[80:], 2) // links
	case 17: // STATFS
		body = make([]byte, 80)
	case 27: // OPENDIR
		body = make([]byte, 16)
	case 28, 29: // READDIR: the end; RELEASEDIR
	case 2, 42, 36: // FORGET, BATCH_FORGET, INTERRUPT want no answer
		return nil, 0, true
	case 1: // LOOKUP
		return nil, unix.ENOENT, false
	default:
		return nil, unix.ENOSYS, false
	}
	return body, 0, false
}
