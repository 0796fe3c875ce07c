package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// hang mounts a file system at dir that answers nothing, and returns what ends that.
func hang(t *testing.T, dir string) (release func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root mounts")
	}
	device, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if isMissing(err) || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENXIO) {
		t.Skipf("no FUSE here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("silent", dir, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)); err != nil {
		_ = syscall.Close(device)
		if isMissing(err) {
			t.Skipf("cannot mount FUSE here: %v", err)
		}
		t.Fatal(err)
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

// isMissing tells that the kernel has no FUSE, or lets nobody here have it.
func isMissing(err error) bool {
	return errors.Is(err, syscall.ENODEV) || errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES)
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
