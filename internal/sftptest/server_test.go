package sftptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func TestServerRoundTrip(t *testing.T) {
	s, c := hostile(t, ServerOptions{})
	content := random(3 << 20)
	if err := c.MkdirAll("/in/deep"); err != nil {
		t.Fatal(err)
	}
	f, err := c.OpenFile("/in/deep/.a.part", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("fsync: %v", err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(content)) {
		t.Errorf("fstat: %v, %v", info, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	when := time.Unix(1_700_000_000, 0)
	if err := c.Chtimes("/in/deep/.a.part", when, when); err != nil {
		t.Errorf("set times: %v", err)
	}
	if err := c.Rename("/in/deep/.a.part", "/in/deep/a"); err != nil {
		t.Fatal(err)
	}
	holds(t, content, s.Dir, "in/deep/a")
	absent(t, s.Dir, "in/deep/.a.part")
	if info, err := c.Stat("/in/deep/a"); err != nil || !info.ModTime().Equal(when) {
		t.Errorf("stat: %v, %v", info, err)
	}
	r, err := c.Open("/in/deep/a")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) {
		t.Errorf("read back: %d bytes, %v", len(got), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, known := statVFS("."); known != nil {
		t.Logf("no statvfs on this system: %v", known)
	} else if vfs, err := c.StatVFS("/in"); err != nil || vfs.FreeSpace() == 0 {
		t.Errorf("statvfs: %v, %v", vfs, err)
	}
	if infos, err := c.ReadDir("/in"); err != nil || len(infos) != 1 || infos[0].Name() != "deep" || !infos[0].IsDir() {
		t.Errorf("list: %v, %v", infos, err)
	}
	if err := c.Remove("/in/deep/a"); err != nil {
		t.Error(err)
	}
	if err := c.RemoveDirectory("/in/deep"); err != nil {
		t.Error(err)
	}
	absent(t, s.Dir, "in/deep")
	if _, err := c.Stat("/in/deep/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of what is gone: %v", err)
	}
}

func TestServerRenames(t *testing.T) {
	tests := []struct {
		name    string
		rename  func(*sftp.Client, string, string) error
		target  bool // there is one
		refused bool
	}{
		{"plain to a free name", (*sftp.Client).Rename, false, false},
		{"plain to a taken name", (*sftp.Client).Rename, true, true},
		{"posix to a free name", (*sftp.Client).PosixRename, false, false},
		{"posix to a taken name", (*sftp.Client).PosixRename, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := hostile(t, ServerOptions{})
			mustPut(t, c, "/new", []byte("new"))
			if tt.target {
				mustPut(t, c, "/old", []byte("old"))
			}
			err := tt.rename(c, "/new", "/old")
			if tt.refused {
				wantCode(t, err, 4)
				holds(t, []byte("old"), s.Dir, "old")
				holds(t, []byte("new"), s.Dir, "new")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			holds(t, []byte("new"), s.Dir, "old")
			absent(t, s.Dir, "new")
		})
	}
	t.Run("directory to a taken name", func(t *testing.T) {
		_, c := hostile(t, ServerOptions{})
		if err := errors.Join(c.Mkdir("/a"), c.Mkdir("/b")); err != nil {
			t.Fatal(err)
		}
		wantCode(t, c.Rename("/a", "/b"), 4)
		if err := c.Rename("/a", "/c"); err != nil {
			t.Error(err)
		}
	})
}

// wantCode checks a status that pkg/sftp does not turn into an error of its own.
func wantCode(t *testing.T, err error, code uint32) {
	t.Helper()
	var status *sftp.StatusError
	if !errors.As(err, &status) || status.Code != code {
		t.Errorf("%v, want status %d", err, code)
	}
}

func TestServerRefusesAsOpenSSH(t *testing.T) {
	_, c := hostile(t, ServerOptions{})
	mustPut(t, c, "/file", []byte("x"))
	if err := c.Mkdir("/dir"); err != nil {
		t.Fatal(err)
	}
	if err := put(c, "/none/file", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open in a missing directory: %v", err)
	}
	_, err := c.OpenFile("/file", os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	wantCode(t, err, 4)
	wantCode(t, c.Mkdir("/dir"), 4)
	wantCode(t, c.RemoveDirectory("/file"), 4)
}

func TestServerConfinesPaths(t *testing.T) {
	s, c := hostile(t, ServerOptions{})
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.Dir, "link")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for _, name := range []string{"/link", "/../../../../../../../../" + outside, "../" + outside} {
		if f, err := c.Open(name); err == nil {
			_ = f.Close()
			t.Errorf("open %s worked", name)
		}
	}
	if info, err := c.Lstat("/link"); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("lstat of the link: %v, %v", info, err)
	}
	if to, err := c.ReadLink("/link"); err != nil || to != outside {
		t.Errorf("readlink: %q, %v", to, err)
	}
	if got, err := c.RealPath("."); err != nil || got != "/" {
		t.Errorf("realpath: %q, %v", got, err)
	}
}

func TestServerRunsCommands(t *testing.T) {
	t.Run("refused", func(t *testing.T) {
		s := StartServer(t, ServerOptions{})
		run, err := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()).NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Run("echo hello"); err == nil {
			t.Error("ran")
		}
	})
	t.Run("allowed", func(t *testing.T) {
		s := StartServer(t, ServerOptions{Exec: true})
		if err := os.WriteFile(filepath.Join(s.Dir, "a"), []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
		run, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := run.Output("cat a"); err != nil || string(out) != "content" {
			t.Errorf("%q, %v", out, err)
		}
		if run, err = client.NewSession(); err != nil {
			t.Fatal(err)
		}
		run.Stdin = strings.NewReader("a\x00")
		if out, err := run.Output("xargs -0 cat"); err != nil || string(out) != "content" {
			t.Errorf("standard input: %q, %v", out, err)
		}
		if run, err = client.NewSession(); err != nil {
			t.Fatal(err)
		}
		var exit *ssh.ExitError
		if err := run.Run("exit 7"); !errors.As(err, &exit) || exit.ExitStatus() != 7 {
			t.Errorf("exit 7: %v", err)
		}
	})
}

func TestServerShell(t *testing.T) {
	shell := func(_ context.Context, command string, in io.Reader, out io.Writer) uint32 {
		input, err := io.ReadAll(in)
		if _, printErr := fmt.Fprintf(out, "%s: %s, %v", command, input, err); printErr != nil {
			return 1
		}
		return 7
	}
	s := StartServer(t, ServerOptions{Exec: true, Shell: shell})
	run, err := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	run.Stdin = strings.NewReader("names")
	out, err := run.Output("powershell -x")
	var exit *ssh.ExitError
	if string(out) != "powershell -x: names, <nil>" || !errors.As(err, &exit) || exit.ExitStatus() != 7 {
		t.Errorf("%q, %v", out, err)
	}
}

func TestServerShellText(t *testing.T) {
	s := StartServer(t, ServerOptions{ShellText: "Welcome to the MFT server of ACME\r\n"})
	ch, reqs, err := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()).OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	if _, err := ch.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"})); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 10)
	if _, err := io.ReadFull(ch, got); err != nil || string(got) != "Welcome to" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestServerSessionsAndLimits(t *testing.T) {
	s := StartServer(t, ServerOptions{MaxSessions: 2, MaxRead: 128 << 10})
	client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
	c := session(t, client, sftp.MaxPacketUnchecked(100<<10), sftp.UseConcurrentReads(false))
	session(t, client)
	if _, err := client.NewSession(); err == nil {
		t.Error("a third session opened")
	}
	mustPut(t, c, "/a", random(100<<10))
	r, err := c.Open("/a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // the test is over
	if n, err := r.ReadAt(make([]byte, 100<<10), 0); n != 100<<10 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if got := s.Faults.Calls(OpRead); got != 1 {
		t.Errorf("%d reads, want one large one", got)
	}
}

func TestServerCloseEndsHungCalls(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, HangOn(OpMkdir))
	hung := async(func() error { return c.Mkdir("/a") })
	waitFor(t, "the call arrives", func() bool { return s.Faults.Calls(OpMkdir) == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := soon(t, "the hung call", hung); err == nil {
		t.Error("a call that hung succeeded")
	}
}

func TestServerCloseConnections(t *testing.T) {
	s, c := hostile(t, ServerOptions{})
	s.CloseConnections()
	if _, err := c.Stat("/"); err == nil {
		t.Error("the session lives on")
	}
	session(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
	if got := s.Stats(); got.Connections != 2 || got.Logins != 2 || got.Refused != 0 {
		t.Errorf("%+v", got)
	}
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	if !waitUntil(patience, holds) {
		t.Fatalf("%s: not within %v", what, patience)
	}
}

func TestServerTOML(t *testing.T) {
	s := StartServer(t, ServerOptions{User: "contoso"})
	w := StartWire(t, s.Addr())
	table := Through(w, s.TOML("acme"))
	for _, want := range []string{
		"[[destination]]\n", `name = "acme"`, `host = "127.0.0.1"`, `user = "contoso"`, `root = "/"`, s.Fingerprint(),
		"port = " + strings.TrimPrefix(w.Addr(), "127.0.0.1:") + "\n",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in:\n%s", want, table)
		}
	}
}
