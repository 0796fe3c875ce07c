package mounted

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TB is what is needed of a test.
type TB interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
	Cleanup(f func())
}

// Mount mounts a file system until the test ends, or until unmount is called. kind is "" for a bind mount.
func Mount(t TB, source, target, kind string, flags uintptr, options string) (unmount func()) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		Missing(t, kind, err)
	}
	over := false
	unmount = func() {
		if over {
			return
		}
		over = true
		// By the end the test may have unmounted it itself.
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
			t.Errorf("unmount %s: %v", target, err)
		}
	}
	t.Cleanup(unmount)
	return unmount
}

// Missing ends a test that could not mount a file system of that kind.
func Missing(t TB, kind string, err error) {
	t.Helper()
	list, _ := os.ReadFile("/proc/filesystems") // of a kernel that does not tell nothing is asked for
	switch endOf(situation{Required(), string(list)}, kind, err) {
	case fails:
		t.Fatalf("mount %s: %v; it has to be had here, as %s=1 asks: this process may mount, and the kernel has the file system", named(kind), err, sftptest.RequireSSHD)
	case broken:
		t.Fatalf("mount %s: %v", named(kind), err)
	}
	t.Skipf("%s cannot be mounted here, by this account on this kernel: %v", named(kind), err)
}

// Required tells whether mounts have to be had: somebody asks for it, and this process may mount.
func Required() bool {
	status, _ := os.ReadFile("/proc/self/status") // likewise
	return os.Getenv(sftptest.RequireSSHD) == "1" && mayMount(string(status))
}

// situation is what decides about a test whose mount has failed.
type situation struct {
	required    bool
	fileSystems string // of the kernel, /proc/filesystems
}

type end int

const (
	skips end = iota
	fails
	broken // it asked for something wrong
)

func endOf(s situation, kind string, err error) end {
	refused := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	switch {
	case !refused && !errors.Is(err, unix.ENODEV) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENXIO):
		return broken
	case s.required && (kind == "" || slices.Contains(strings.Fields(s.fileSystems), kind)):
		return fails
	}
	return skips
}

// mayMount tells whether a process whose /proc/PID/status this is has CAP_SYS_ADMIN, in its user namespace.
func mayMount(status string) bool {
	for line := range strings.Lines(status) {
		if mask, ok := strings.CutPrefix(line, "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
			return err == nil && n&(1<<unix.CAP_SYS_ADMIN) != 0
		}
	}
	return false
}

func named(kind string) string {
	if kind == "" {
		return "a bind mount"
	}
	return kind
}
