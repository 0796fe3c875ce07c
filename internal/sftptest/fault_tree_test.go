package sftptest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

func TestDiskFullTellsItsSpace(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, DiskFullAfter(10_000_000))
	free := func() uint64 {
		t.Helper()
		vfs, err := c.StatVFS("/")
		if err != nil {
			t.Skipf("no statvfs here: %v", err)
		}
		return vfs.FreeSpace()
	}
	if got := free(); got > 10_000_000 || got < 9_000_000 {
		t.Errorf("%d bytes free at first", got)
	}
	wantCode(t, put(c, "/a", make([]byte, 11_000_000)), 4)
	if got := free(); got != 0 {
		t.Errorf("%d bytes free when full", got)
	}
	wantCode(t, put(c, "/b", []byte("x")), 4)
	s.Faults.Clear()
	mustPut(t, c, "/b", []byte("x"))
}

func TestRenameFaults(t *testing.T) {
	setUp := func(t *testing.T, target bool, fault Fault) (*TestServer, *sftp.Client) {
		s, c := hostile(t, ServerOptions{}, fault)
		mustPut(t, c, "/.a.part", []byte("new"))
		if target {
			mustPut(t, c, "/a", []byte("old"))
		}
		return s, c
	}
	t.Run("refused", func(t *testing.T) {
		s, c := setUp(t, false, RefuseRename())
		for _, rename := range []func(string, string) error{c.Rename, c.PosixRename} {
			if err := rename("/.a.part", "/a"); !errors.Is(err, fs.ErrPermission) {
				t.Error(err)
			}
		}
		absent(t, s.Dir, "a")
	})
	t.Run("posix alone refused", func(t *testing.T) {
		s, c := setUp(t, false, RefusePosixRename())
		wantCode(t, c.PosixRename("/.a.part", "/a"), 8)
		if err := c.Rename("/.a.part", "/a"); err != nil {
			t.Error(err)
		}
		holds(t, []byte("new"), s.Dir, "a")
	})
	t.Run("overwrites", func(t *testing.T) {
		s, c := setUp(t, true, OverwritingRename())
		if err := c.Rename("/.a.part", "/a"); err != nil {
			t.Error(err)
		}
		holds(t, []byte("new"), s.Dir, "a")
	})
	t.Run("vanishes into a directory", func(t *testing.T) {
		taken := t.TempDir()
		s, c := setUp(t, false, VanishOnRename(taken))
		for range 2 {
			mustPut(t, c, "/.a.part", []byte("new"))
			if err := c.Rename("/.a.part", "/a"); err != nil {
				t.Fatal(err)
			}
			absent(t, s.Dir, "a")
		}
		holds(t, []byte("new"), taken, "a")
		holds(t, []byte("new"), taken, "a.2")
	})
	t.Run("vanishes", func(t *testing.T) {
		s, c := setUp(t, false, VanishOnRename(""))
		if err := c.PosixRename("/.a.part", "/a"); err != nil {
			t.Fatal(err)
		}
		absent(t, s.Dir, "a")
	})
}

func TestIgnoreExclusive(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, IgnoreExclusive())
	mustPut(t, c, "/a", []byte("old content"))
	f, err := c.OpenFile("/a", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("new")); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	holds(t, []byte("new"), s.Dir, "a")
}

func TestSetstatFaults(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		s, c := hostile(t, ServerOptions{}, RefuseSetstat())
		mustPut(t, c, "/a", []byte("a"))
		if err := c.Chmod("/a", 0o600); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
		if err := c.Truncate("/a", 0); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
		holds(t, []byte("a"), s.Dir, "a")
	})
	t.Run("discards", func(t *testing.T) {
		s, c := hostile(t, ServerOptions{}, DiscardOnSetstat())
		mustPut(t, c, "/a", []byte("a"))
		if err := c.Chmod("/a", 0o600); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
		absent(t, s.Dir, "a")
	})
	t.Run("none", func(t *testing.T) {
		s, c := hostile(t, ServerOptions{})
		mustPut(t, c, "/a", []byte("abc"))
		f, err := c.OpenFile("/a", os.O_WRONLY)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(1), f.Chmod(0o600), f.Close()); err != nil {
			t.Error(err)
		}
		if err := c.Chown("/a", os.Getuid(), os.Getgid()); err != nil && os.Getuid() >= 0 {
			t.Error(err)
		}
		info, err := os.Stat(filepath.Join(s.Dir, "a"))
		if err != nil || info.Size() != 1 || (info.Mode().Perm() != 0o600 && runtime.GOOS != "windows") {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestRefuseStatAfterClose(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, RefuseStatAfterClose())
	if err := os.WriteFile(filepath.Join(s.Dir, "theirs"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Stat("/theirs"); err != nil {
		t.Errorf("stat of another file: %v", err)
	}
	mustPut(t, c, "/.a.part", []byte("a"))
	refused := func(name string) {
		t.Helper()
		if _, err := c.Stat(name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("stat %s: %v", name, err)
		}
		if _, err := c.Lstat(name); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("lstat %s: %v", name, err)
		}
	}
	refused("/.a.part")
	if err := c.Rename("/.a.part", "/a"); err != nil {
		t.Fatal(err)
	}
	refused("/a")
	if _, err := c.Stat("/.a.part"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of the old name: %v", err)
	}
	f, err := c.OpenFile("/a", os.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != 1 {
		t.Errorf("stat while open: %v, %v", info, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	refused("/a")
}

func TestOneOpenFile(t *testing.T) {
	s := StartServer(t, ServerOptions{}, OneOpenFile())
	client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
	one, two := session(t, client), session(t, client)
	f, err := one.Create("/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := two.Create("/b"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a second file, in another session: %v", err)
	}
	other := session(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
	mustPut(t, other, "/c", nil)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	mustPut(t, two, "/b", nil)
}

func TestMaxWriteCutsTheConnection(t *testing.T) {
	s := StartServer(t, ServerOptions{}, MaxWrite(32<<10))
	client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
	c := session(t, client, sftp.MaxPacketUnchecked(33<<10))
	mustPut(t, c, "/a", make([]byte, 32<<10))
	if err := put(c, "/b", make([]byte, 33<<10)); err == nil {
		t.Error("a large write was taken")
	}
	if err := soon(t, "the connection ends", async(client.Wait)); err == nil {
		t.Error("the connection was closed in an orderly way")
	}
	holds(t, nil, s.Dir, "b")
}

func TestSlowAcks(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, SlowAcks(30*time.Millisecond))
	begin := time.Now()
	mustPut(t, c, "/a", []byte("a"))
	if took := time.Since(begin); took < 30*time.Millisecond {
		t.Errorf("acknowledged after %v", took)
	}
	holds(t, []byte("a"), s.Dir, "a")
}
