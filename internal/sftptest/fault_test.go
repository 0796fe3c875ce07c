package sftptest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

func TestFaultMatching(t *testing.T) {
	tests := []struct {
		name             string
		fault            Fault
		op, path, target string
		want             bool
	}{
		{"any", Fault{}, OpStat, "/a/b.xml", "", true},
		{"operation", Fault{Op: OpStat}, OpStat, "/a/b.xml", "", true},
		{"another operation", Fault{Op: OpStat}, OpLstat, "/a/b.xml", "", false},
		{"one of several", Fault{Op: "rename,posix-rename"}, OpPosixRename, "/a", "/b", true},
		{"base name", Fault{Path: "*.xml"}, OpStat, "/a/b.xml", "", true},
		{"another base name", Fault{Path: "*.xml"}, OpStat, "/a.xml/b", "", false},
		{"whole path", Fault{Path: "/a/*"}, OpStat, "/a/b.xml", "", true},
		{"another path", Fault{Path: "/a/*"}, OpStat, "/b/b.xml", "", false},
		{"a rename's source", Fault{Path: "*.part"}, OpRename, "/.a.part", "/a", true},
		{"a rename's target", Fault{Path: "a"}, OpRename, "/.a.part", "/a", true},
		{"bad pattern", Fault{Path: "["}, OpStat, "/[", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.fault.matches(tt.op, tt.path, tt.target); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func TestFaultCounting(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		want  []bool // which calls fail
	}{
		{"always", Refuse(OpMkdir, Failure), []bool{true, true, true, true}},
		{"once", Refuse(OpMkdir, Failure).Once(), []bool{true, false, false, false}},
		{"later", Refuse(OpMkdir, Failure).Skip(2), []bool{false, false, true, true}},
		{"a while", Fault{Op: OpMkdir, After: 1, Times: 2, Err: Failure}, []bool{false, true, true, false}},
		{"elsewhere", Refuse(OpMkdir, Failure).On("x*"), []bool{false, false, false, false}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, c := hostile(t, ServerOptions{}, tt.fault)
			hits := 0
			for i, name := range []string{"/a", "/b", "/c", "/d"} {
				if err := c.Mkdir(name); (err != nil) != tt.want[i] {
					t.Errorf("call %d: %v", i, err)
				}
				if tt.want[i] {
					hits++
				}
			}
			if s.Faults.Calls(OpMkdir) != 4 || s.Faults.Hits() != hits {
				t.Errorf("%d calls, %d hits, want 4 and %d", s.Faults.Calls(OpMkdir), s.Faults.Hits(), hits)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	do := map[string]func(*sftp.Client) error{
		OpOpen:        func(c *sftp.Client) error { return put(c, "/new", nil) },
		OpWrite:       func(c *sftp.Client) error { return put(c, "/new", []byte("x")) },
		OpClose:       func(c *sftp.Client) error { return put(c, "/new", nil) },
		OpRead:        func(c *sftp.Client) error { _, err := readAll(c, "/a"); return err },
		OpStat:        func(c *sftp.Client) error { _, err := c.Stat("/a"); return err },
		OpLstat:       func(c *sftp.Client) error { _, err := c.Lstat("/a"); return err },
		OpSetstat:     func(c *sftp.Client) error { return c.Chmod("/a", 0o600) },
		OpList:        func(c *sftp.Client) error { _, err := c.ReadDir("/"); return err },
		OpMkdir:       func(c *sftp.Client) error { return c.Mkdir("/new") },
		OpRmdir:       func(c *sftp.Client) error { return c.RemoveDirectory("/dir") },
		OpRemove:      func(c *sftp.Client) error { return c.Remove("/a") },
		OpRename:      func(c *sftp.Client) error { return c.Rename("/a", "/b") },
		OpPosixRename: func(c *sftp.Client) error { return c.PosixRename("/a", "/b") },
		OpHardlink:    func(c *sftp.Client) error { return c.Link("/a", "/b") },
		OpSymlink:     func(c *sftp.Client) error { return c.Symlink("a", "/b") },
		OpReadlink:    func(c *sftp.Client) error { _, err := c.ReadLink("/link"); return err },
		OpRealPath:    func(c *sftp.Client) error { _, err := c.RealPath("."); return err },
		OpFsync:       func(c *sftp.Client) error { return syncFile(c, "/a") },
		OpStatVFS:     func(c *sftp.Client) error { _, err := c.StatVFS("/"); return err },
	}
	answers := []struct {
		err  error
		seen func(error) bool
	}{
		{NoSuchFile, func(err error) bool { return errors.Is(err, fs.ErrNotExist) }},
		{PermissionDenied, func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
		{fs.ErrPermission, func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
		{Failure, hasCode(4)},
		{errors.New("quota exceeded"), hasCode(4)},
		{Unsupported, hasCode(8)},
		{Status(11), hasCode(11)},
	}
	if _, err := statVFS("."); err != nil {
		delete(do, OpStatVFS) // not on this system
	}
	for op, call := range do {
		t.Run(op, func(t *testing.T) {
			s, c := hostile(t, ServerOptions{})
			mustPut(t, c, "/a", []byte("a"))
			if err := errors.Join(c.Mkdir("/dir"), c.Symlink("a", "/link")); err != nil {
				t.Fatal(err)
			}
			for _, a := range answers {
				s.Faults.Add(Refuse(op, a.err))
				if err := call(c); !a.seen(err) {
					t.Errorf("refused with %v: client sees %v", a.err, err)
				}
				s.Faults.Clear()
			}
			if err := call(c); err != nil {
				t.Errorf("with an empty table: %v", err)
			}
		})
	}
}

func hasCode(code uint32) func(error) bool {
	return func(err error) bool {
		var status *sftp.StatusError
		return errors.As(err, &status) && status.Code == code
	}
}

func readAll(c *sftp.Client, name string) ([]byte, error) {
	f, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // the test is over
	return io.ReadAll(f)
}

func syncFile(c *sftp.Client, name string) error {
	f, err := c.OpenFile(name, os.O_WRONLY)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func TestHangDelayAndDo(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, HangOn(OpMkdir))
	hung := async(func() error { return c.Mkdir("/a") })
	waitFor(t, "the call arrives", func() bool { return s.Faults.Calls(OpMkdir) == 1 })
	select {
	case err := <-hung:
		t.Fatalf("the call did not hang: %v", err)
	default:
	}
	s.Faults.Clear()
	if err := soon(t, "the table is cleared", hung); err != nil {
		t.Errorf("after the hang: %v", err)
	}

	did := 0
	s.Faults.Add(Fault{Op: OpMkdir, Delay: 50 * time.Millisecond, Do: func() { did++ }})
	begin := time.Now()
	if err := c.Mkdir("/b"); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took < 50*time.Millisecond || did != 1 {
		t.Errorf("took %v, did %d", took, did)
	}
}

func TestHangEndsWithItsConnection(t *testing.T) {
	s := StartServer(t, ServerOptions{}, HangOn(OpMkdir))
	client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
	c := session(t, client)
	hung := async(func() error { return c.Mkdir("/a") })
	waitFor(t, "the call arrives", func() bool { return s.Faults.Calls(OpMkdir) == 1 })
	if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); ok || err != nil {
		t.Errorf("keepalive during a hang: %v, %v", ok, err)
	}
	_ = client.Close()
	if err := soon(t, "the connection closes", hung); err == nil {
		t.Error("a call without a reply succeeded")
	}
	waitFor(t, "the server forgets the connection", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0
	})
	absent(t, s.Dir, "a")
}

func TestCuts(t *testing.T) {
	t.Run("instead", func(t *testing.T) {
		s, c := hostile(t, ServerOptions{}, CutOn(OpMkdir))
		if err := c.Mkdir("/a"); err == nil {
			t.Error("no error")
		}
		absent(t, s.Dir, "a")
	})
	t.Run("lost reply", func(t *testing.T) {
		s, c := hostile(t, ServerOptions{}, LoseReply(OpRename))
		mustPut(t, c, "/.a.part", []byte("a"))
		if err := c.Rename("/.a.part", "/a"); err == nil {
			t.Error("no error")
		}
		holds(t, []byte("a"), s.Dir, "a")
		absent(t, s.Dir, ".a.part")
		again := session(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
		if err := again.Rename("/a", "/b"); err != nil {
			t.Errorf("the next one: %v", err)
		}
	})
	t.Run("lost reply to fsync", func(t *testing.T) {
		_, c := hostile(t, ServerOptions{}, LoseReply(OpFsync))
		mustPut(t, c, "/a", nil)
		if err := syncFile(c, "/a"); err == nil {
			t.Error("no error")
		}
	})
}

func TestTrace(t *testing.T) {
	s, c := hostile(t, ServerOptions{})
	mustPut(t, c, "/.a.part", []byte("a"))
	if err := c.Rename("/.a.part", "/a"); err != nil {
		t.Fatal(err)
	}
	want := []Call{{OpOpen, "/.a.part", ""}, {OpClose, "/.a.part", ""}, {OpRename, "/.a.part", "/a"}}
	if got := s.Faults.Trace(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := s.Faults.Calls(OpWrite); got != 1 {
		t.Errorf("%d writes", got)
	}
	for range 2 * maxTrace {
		s.Faults.meet(OpStat, "/x", "")
	}
	if got := len(s.Faults.Trace()); got > maxTrace {
		t.Errorf("%d calls remembered", got)
	}
}

func TestDataFaults(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 8<<10) // 128 KiB, four packets
	flipped := bytes.Clone(content)
	flipped[32<<10] ^= 0xff
	hole := bytes.Clone(content)
	clear(hole[:32<<10])
	tests := []struct {
		name   string
		fault  Fault
		fails  bool
		onDisk []byte
		reads  []byte
	}{
		{"disk full", DiskFullAfter(50_000), true, content[:50_000], content[:50_000]},
		{"disk large enough", DiskFullAfter(1 << 20), false, content, content},
		{"lost write", Lose("*", 1), false, hole, hole},
		{"lost elsewhere", Lose("*.part", 1), false, content, content},
		{"lost end", Lose("*", 0).Skip(3), false, content[:96<<10], content[:96<<10]},
		{"corrupt", Corrupt("*", 1).Skip(1), false, flipped, flipped},
		{"short reads", ShortReads(1000), false, content, content},
		{"early end", EndReadsAt(70_000), false, content, content[:70_000]},
		{"cut write size", MaxWrite(32 << 10), false, content, content},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := StartServer(t, ServerOptions{}, tt.fault)
			// One request at a time, so that "the second write" means something.
			c := session(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()),
				sftp.UseConcurrentWrites(false), sftp.UseConcurrentReads(false), sftp.MaxConcurrentRequestsPerFile(1))
			if err := put(c, "/a", content); (err != nil) != tt.fails {
				t.Errorf("put: %v", err)
			}
			holds(t, tt.onDisk, s.Dir, "a")
			if got, err := readAll(c, "/a"); err != nil || !bytes.Equal(got, tt.reads) {
				t.Errorf("read %d bytes, %v, want %d", len(got), err, len(tt.reads))
			}
		})
	}
}
