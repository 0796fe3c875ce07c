package e2e

import (
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/mounted"
)

// hang mounts a file system at dir that answers nothing, and returns what ends that.
func hang(t *testing.T, dir string) (release func()) {
	t.Helper()
	device, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		mounted.Missing(t, "fuse", fmt.Errorf("open /dev/fuse: %w", err))
	}
	if err := syscall.Mount("silent", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)); err != nil {
		_ = syscall.Close(device)
		mounted.Missing(t, "fuse", err)
	}
	released := false
	release = func() {
		if !released {
			released = true
			if err := errors.Join(syscall.Close(device), syscall.Unmount(dir, syscall.MNT_DETACH)); err != nil { // whoever waits gets an error
				t.Errorf("unmount %s: %v", dir, err)
			}
		}
	}
	t.Cleanup(release)
	return release
}

// TestFolderThatHangs has a folder on a share that answers nothing: the other folder is delivered, and all commands answer.
func TestFolderThatHangs(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	share := r.mkdir("share")
	folders := r.folder("outbox", r.outbox, `to = ["acme:{folder}"]`) + r.folder("share", filepath.Join(share, "out"), `to = ["acme:{folder}"]`)
	r.configure(r.acme() + folders)
	r.drop("a.txt", "a")
	release := hang(t, share)
	a := r.start()
	r.arrives("outbox/a.txt", "a") // from the other folder
	r.grace = "1s"
	r.configure(r.acme() + folders)
	for _, c := range []struct {
		code int
		args []string
	}{
		{0, []string{"status"}},
		{0, []string{"history"}},
		{0, []string{"reload"}},
		{0, []string{"explain", filepath.Join(r.outbox, "a.txt")}},
		{0, []string{"check"}},
		{0, []string{"pause", "folder:outbox"}},
		{0, []string{"resume", "folder:outbox"}},
	} {
		began := time.Now()
		r.expect(c.code, c.args...)
		t.Logf("%q took %v", c.args, time.Since(began).Round(time.Millisecond))
	}
	r.drop("b.txt", "b")
	r.arrives("outbox/b.txt", "b") // after a reload
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	release()
}
