//go:build unix

package control

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOnlyTheOwnerConnects(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := stateDir(t)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := mode(t, filepath.Join(dir, socketName)); got != fs.ModeSocket|0o600 {
		t.Errorf("mode %s", got)
	}
	if n := s.endpoint.listener.Addr().Network(); n != "unix" {
		t.Errorf("it listens on %s", n)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// leaveSocket leaves what an agent leaves that was killed.
func leaveSocket(t *testing.T, name string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSocketOfDeadAgent(t *testing.T) {
	dir := stateDir(t)
	leaveSocket(t, filepath.Join(dir, socketName))
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
		t.Errorf("dial: %v", err)
	}
	serve(t, dir, fake{})
	dial(t, dir)
}

func TestOtherFilesStay(t *testing.T) {
	dir := stateDir(t)
	name := filepath.Join(dir, socketName)
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("listen: %v", err)
	}
	if b, err := os.ReadFile(name); err != nil || string(b) != "mine" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

// An agent whose socket somebody has removed does not take its successor's away.
func TestSuccessorsSocketStays(t *testing.T) {
	dir := stateDir(t)
	stop := serve(t, dir, fake{})
	if err := os.Remove(filepath.Join(dir, socketName)); err != nil {
		t.Fatal(err)
	}
	serve(t, dir, fake{})
	if err := stop(); err != nil {
		t.Error(err)
	}
	dial(t, dir)
}

// longDir returns a state directory whose name is too long for a socket in it, and the place for temporary files.
func longDir(t *testing.T) (dir, temp string) {
	t.Helper()
	dir = filepath.Join(stateDir(t), strings.Repeat("x", maxSocketName))
	mkdir(t, dir)
	temp = stateDir(t)
	t.Setenv("TMPDIR", temp)
	return dir, temp
}

func TestLongStateDir(t *testing.T) {
	dir, temp := longDir(t)
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
		t.Errorf("dial without an agent: %v", err)
	}
	defer syscall.Umask(syscall.Umask(0))
	stop := serve(t, dir, fake{status: func(context.Context) (Status, error) { return Status{}, nil }})
	if got := mode(t, filepath.Join(dir, addressFile)); got != 0o600 {
		t.Errorf("mode of the address %s", got)
	}
	place := onlyEntry(t, temp)
	if got := mode(t, place); got != fs.ModeDir|0o700 {
		t.Errorf("mode of the directory %s", got)
	}
	if got := mode(t, filepath.Join(place, socketName)); got != fs.ModeSocket|0o600 {
		t.Errorf("mode of the socket %s", got)
	}
	t.Setenv("TMPDIR", "/") // a client's is another one
	if _, err := dial(t, dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
	short := filepath.Join(temp, "short")
	if err := os.Symlink(dir, short); err != nil {
		t.Fatal(err)
	}
	dial(t, short)
	if _, err := Listen(short); !errors.Is(err, ErrRunning) {
		t.Errorf("a second agent: %v", err)
	}
	if err := os.Remove(short); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	for _, d := range []string{dir, temp} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("left: %v, %v", left, err)
		}
	}
}

func TestLongStateDirOfDeadAgent(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(t *testing.T, dir, temp string)
		stays string // in the place for temporary files
	}{
		{"all", func(t *testing.T, dir, temp string) {
			old := filepath.Join(temp, "old")
			mkdir(t, old)
			leaveSocket(t, filepath.Join(old, socketName))
			point(t, dir, filepath.Join(old, socketName))
		}, ""},
		{"cleared", func(t *testing.T, dir, temp string) { point(t, dir, filepath.Join(temp, "old", socketName)) }, ""},
		{"socket cleared", func(t *testing.T, dir, temp string) {
			mkdir(t, filepath.Join(temp, "old"))
			point(t, dir, filepath.Join(temp, "old", socketName))
		}, ""},
		{"not empty", func(t *testing.T, dir, temp string) {
			mkdir(t, filepath.Join(temp, "old", "other"))
			point(t, dir, filepath.Join(temp, "old", socketName))
		}, "old"},
		{"damaged", func(t *testing.T, dir, _ string) { point(t, dir, "") }, ""},
		{"points elsewhere", func(t *testing.T, dir, temp string) {
			mkdir(t, filepath.Join(temp, "precious"))
			point(t, dir, filepath.Join(temp, "precious", "x"))
		}, "precious"},
		{"half written", func(t *testing.T, dir, _ string) {
			if err := os.WriteFile(filepath.Join(dir, addressFile+".new"), []byte("/x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, temp := longDir(t)
			test.leave(t, dir, temp)
			if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
				t.Errorf("dial without an agent: %v", err)
			}
			stop := serve(t, dir, fake{})
			dial(t, dir)
			if err := stop(); err != nil {
				t.Error(err)
			}
			if test.stays != "" {
				if left := onlyEntry(t, temp); filepath.Base(left) != test.stays {
					t.Errorf("left: %s", left)
				}
			} else if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}

// In a place for temporary files anyone can take the name that a dead agent's directory had.
func TestDirectoryOfSomebodyElse(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("to give a directory to somebody else takes root")
	}
	dir, temp := longDir(t)
	place := filepath.Join(temp, "taken")
	mkdir(t, place)
	l, err := net.Listen("unix", filepath.Join(place, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if err := os.Chown(place, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	point(t, dir, filepath.Join(place, socketName))
	if _, err := Dial(t.Context(), dir); !errors.Is(err, ErrNoAgent) {
		t.Errorf("dial: %v", err)
	}
	if err := serve(t, dir, fake{})(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(place, socketName)); err != nil {
		t.Errorf("what is somebody else's has not stayed: %v", err)
	}
}

// What root makes belongs to the owner of the state.
func TestRootLeavesAccess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("it takes root")
	}
	short := stateDir(t)
	long, temp := longDir(t)
	for name, dir := range map[string]string{"short": short, "long": long} {
		if err := os.Chown(dir, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		serve(t, dir, fake{})
		made := []string{filepath.Join(dir, socketName)}
		if name == "long" {
			place := onlyEntry(t, temp)
			made = []string{filepath.Join(dir, addressFile), place, filepath.Join(place, socketName)}
		}
		for _, m := range made {
			info, err := os.Lstat(m)
			if err != nil {
				t.Fatal(err)
			}
			if st, ok := info.Sys().(*syscall.Stat_t); !ok || st.Uid != 12345 {
				t.Errorf("%s belongs to %+v", m, st)
			}
		}
		dial(t, dir)
	}
}

func TestLongPlaceForTemporaryFiles(t *testing.T) {
	dir, temp := longDir(t)
	temp = filepath.Join(temp, strings.Repeat("y", maxSocketName))
	mkdir(t, temp)
	t.Setenv("TMPDIR", temp)
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "at most 103 bytes") {
		t.Errorf("listen: %v", err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func mode(t *testing.T, name string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func mkdir(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(name, 0o700); err != nil {
		t.Fatal(err)
	}
}

// point writes the address file in dir.
func point(t *testing.T, dir, socket string) {
	t.Helper()
	if err := writeAddress(dir, socket); err != nil {
		t.Fatal(err)
	}
}

// onlyEntry returns the one thing in dir.
func onlyEntry(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("in %s: %v, %v", dir, entries, err)
	}
	return filepath.Join(dir, entries[0].Name())
}
