package remote

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// Every answer that a server can give to a step of an upload has its kind, and leaves the session alone.
func TestUploadRefused(t *testing.T) {
	t.Parallel()
	answers := []struct {
		answer error
		kind   Kind
		text   string
	}{
		{sftptest.PermissionDenied, Permission, "permission denied"},
		{sftptest.Failure, Refused, "SFTP status 4"},
		{sftptest.Unsupported, Unsupported, "the server does not support this operation"},
		{sftptest.Status(5), Refused, "SFTP status 5"},
		{sftptest.Status(statusAlreadyExists), Exists, "SFTP status 11"},
		{sftptest.Status(statusWriteProtect), Permission, "permission denied"},
		{sftptest.Status(statusNoSpace), DiskFull, "the server has no room"},
		{sftptest.Status(statusQuota), DiskFull, "make room at the server"},
		{errors.New("Quota exceeded (5 GB)"), DiskFull, `the server has no room; the server says "Quota exceeded (5 GB)"`},
		{errors.New("Disk quota exceeded"), DiskFull, "make room at the server"},
		{errors.New("No quotas here"), Refused, `the server answered "No quotas here" (SFTP status 4)`},
	}
	server, s := hostile(t, sftptest.ServerOptions{})
	for _, op := range []string{sftptest.OpOpen, sftptest.OpWrite, sftptest.OpFsync, sftptest.OpClose} {
		for _, a := range answers {
			if op == sftptest.OpFsync && a.kind == Unsupported {
				continue // that is a missing ability: see below
			}
			t.Run(op+" "+a.text, func(t *testing.T) {
				server.Faults.Clear()
				server.Faults.Add(sftptest.Refuse(op, a.answer))
				err := upload(t, s, "/a.part", random(100_000))
				verb := map[string]string{sftptest.OpOpen: "put", sftptest.OpWrite: "put", sftptest.OpFsync: "sync", sftptest.OpClose: "close"}[op]
				wantError(t, err, a.kind, verb+" acme:/a.part: ", a.text)
				if isPermission := errors.Is(err, fs.ErrPermission); isPermission != (a.kind == Permission) {
					t.Errorf("%v is fs.ErrPermission: %t", err, isPermission)
				}
				if s.Err() != nil {
					t.Fatalf("the session ended: %v", s.Err())
				}
			})
		}
	}
	server.Faults.Clear()
	mustUpload(t, s, "/a.part", random(100_000))
}

func TestWriteRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	content := random(40 * safeWrite)
	for _, n := range []int{0, 1, 20, 38, 39} { // the last WRITE too: pkg/sftp lost that one once
		server.Faults.Clear()
		server.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.PermissionDenied).Skip(n).Once())
		wantError(t, upload(t, s, "/a.part", content), Permission, "put acme:/a.part: permission denied")
	}
	mustUpload(t, s, "/a.part", content)
	holds(t, content, server.Dir, "a.part")
}

func TestFullDiskIsNamed(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.DiskFullAfter(500_000))
	err := upload(t, s, "/a.part", random(1_000_000))
	wantError(t, err, DiskFull, "put acme:/a.part: the server's disk is full (", "KiB free)", "make room at the server")
	if free, err := s.Free(t.Context()); err != nil || free >= 4096 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
	server.Faults.Clear()
	mustUpload(t, s, "/a.part", random(1_000_000))
	if free, err := s.Free(t.Context()); err != nil || free < 1<<20 {
		t.Errorf("%d bytes are free, %v", free, err)
	}
}

func TestFullDiskThatIsNotTold(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.NoStatVFS())
	s := mustProbe(t, serverTarget(server))
	server.Faults.Add(sftptest.DiskFullAfter(500_000))
	wantError(t, upload(t, s, "/a.part", random(1_000_000)), Refused, "which says no more")
	_, err := s.Free(t.Context())
	wantError(t, err, Unsupported, "the server does not tell its free space")
}

func TestMissingDirectoryThatIsCalledAFailure(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{},
		sftptest.Refuse(sftptest.OpOpen, sftptest.Failure).Once(), sftptest.Refuse(sftptest.OpMkdir, sftptest.Failure).Once())
	mustUpload(t, s, "/x/y/a.part", []byte("a"))
	holds(t, []byte("a"), server.Dir, "x/y/a.part")
}

// Some servers say FILE_ALREADY_EXISTS, of later drafts, where OpenSSH says FAILURE.
func TestServerThatSaysFileAlreadyExists(t *testing.T) {
	t.Parallel()
	exists := sftptest.Status(statusAlreadyExists)
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpMkdir, exists), sftptest.Refuse(sftptest.OpRename, exists))
	if err := os.Mkdir(filepath.Join(server.Dir, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := s.MkdirAll(t.Context(), "/x"); err != nil {
		t.Errorf("a directory that is there: %v", err)
	}
	mustUpload(t, s, "/x/a.part", []byte("new"))
	mustUpload(t, s, "/x/a", []byte("old"))
	wantError(t, s.Publish(t.Context(), "/x/a.part", "/x/a", false), Exists, "rename acme:/x/a: a file stands there already")
	wantError(t, s.Publish(t.Context(), "/x/a.part", "/x/b", false), Exists, "SFTP status 11")
	holds(t, []byte("old"), server.Dir, "x/a")
}

func TestDirectoryThatMayNotBeMade(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpMkdir, sftptest.PermissionDenied))
	wantError(t, upload(t, s, "/x/y/a.part", nil), Permission, "mkdir acme:/x/y: permission denied")
}

func TestContentThatIsNotWhatWasSent(t *testing.T) {
	t.Parallel()
	content := random(10 * safeWrite)
	sum := sha256.Sum256(content)
	tests := map[string]struct {
		fault sftptest.Fault
		want  map[Demand]string // a part of the error; "" is none
	}{
		"a lost write": { // one of the first: the server works on several at once
			sftptest.Lose("*.part", 1),
			map[Demand]string{Content: "the server has other content", Auto: "", Size: ""},
		},
		"lost writes": {
			sftptest.Lose("*.part", 0),
			map[Demand]string{Content: "the server has 0 bytes of 327680", Auto: "the server has 0 bytes", Size: "the server has 0 bytes"},
		},
		"a corrupted write": {
			sftptest.Corrupt("*.part", 0).Skip(7).Once(),
			map[Demand]string{Content: fmt.Sprintf("sent %x", sum), Auto: "", Size: ""},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, s := hostile(t, sftptest.ServerOptions{}, test.fault)
			mustUpload(t, s, "/a.part", content)
			for demand, part := range test.want {
				_, evidence, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], demand)
				switch {
				case part != "":
					wantError(t, err, Integrity, "verify acme:/a.part: ", part)
				case err != nil || evidence.Kind != SizeOnly:
					t.Errorf("%s: %+v, %v, want that the size alone is claimed", demand, evidence, err)
				}
			}
			server.Faults.Clear()
			mustUpload(t, s, "/a.part", content)
			if err := os.Truncate(filepath.Join(server.Dir, "a.part"), 327_679); err != nil {
				t.Fatal(err)
			}
			for _, demand := range []Demand{Content, Auto, Size} {
				_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], demand)
				wantError(t, err, Integrity, "the server has 327679 bytes of 327680")
			}
			mustUpload(t, s, "/a.part", content)
			if _, evidence, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Content); err != nil || evidence.Kind != ReadBack {
				t.Errorf("a second attempt: %+v, %v", evidence, err)
			}
		})
	}
}

func TestReadBack(t *testing.T) {
	t.Parallel()
	content := random(5*safeWrite + 1)
	sum := sha256.Sum256(content)
	server, s := hostile(t, sftptest.ServerOptions{})
	mustUpload(t, s, "/a.part", content)
	mustUpload(t, s, "/empty", nil)
	tests := map[string]struct {
		fault sftptest.Fault
		kind  Kind // "" is none
		text  string
	}{
		"short answers":   {sftptest.ShortReads(1000), "", ""},
		"slow ones":       {sftptest.Fault{Op: sftptest.OpRead, Delay: time.Millisecond}, "", ""},
		"an early end":    {sftptest.EndReadsAt(70_000), Integrity, "read acme:/a.part: the file ends before its size"},
		"an end at once":  {sftptest.EndReadsAt(0), Integrity, "the file ends before its size"},
		"no reading":      {sftptest.Refuse(sftptest.OpRead, sftptest.PermissionDenied), Permission, "read acme:/a.part: permission denied"},
		"no opening":      {sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied), Permission, "read acme:/a.part: permission denied"},
		"no stat":         {sftptest.Refuse(sftptest.OpStat, sftptest.Failure), Refused, "read acme:/a.part: "},
		"a broken sector": {sftptest.Refuse(sftptest.OpRead, errors.New("input/output error")).Skip(3).Once(), Refused, "input/output error"},
		"no closing":      {sftptest.Refuse(sftptest.OpClose, sftptest.Failure), "", ""},
		"one open file":   {sftptest.OneOpenFile(), "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server.Faults.Clear()
			server.Faults.Add(test.fault)
			got, err := s.ReadBack(t.Context(), "/a.part")
			switch {
			case test.kind != "":
				wantError(t, err, test.kind, test.text)
			case err != nil || !bytes.Equal(got, sum[:]):
				t.Errorf("read back %x, %v, want %x", got, err, sum)
			}
			if s.Err() != nil {
				t.Fatalf("the session ended: %v", s.Err())
			}
		})
	}
	server.Faults.Clear()
	if got, err := s.ReadBack(t.Context(), "/empty"); err != nil || !bytes.Equal(got, sha256.New().Sum(nil)) {
		t.Errorf("an empty file: %x, %v", got, err)
	}
	_, err := s.ReadBack(t.Context(), "/none")
	wantError(t, err, Missing)
	full := errors.New("no space left")
	if err := s.Read(t.Context(), "/a.part", writerFunc(func([]byte) (int, error) { return 0, full })); !errors.Is(err, full) || KindOf(err) != Transient {
		t.Errorf("a writer that fails: %v", err)
	}
	var back bytes.Buffer
	if err := s.Read(t.Context(), "/a.part", &back); err != nil || !bytes.Equal(back.Bytes(), content) {
		t.Errorf("read %d bytes, %v, want %d", back.Len(), err, len(content))
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// An account that may write and not read has only the hash command's word.
func TestMismatchWhereNothingCanBeRead(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	name := s.target.Path("dir")
	if err := os.Mkdir(filepath.Join(sshd.Dir, "dir"), 0o755); err != nil { // cannot be read, for root neither
		t.Fatal(err)
	}
	info, err := s.Stat(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	digest := bytes.Repeat([]byte("0"), 64)
	s.hash.use("cat >/dev/null; echo '" + string(digest) + "  x'")
	sum := sha256.Sum256(nil)
	_, _, err = s.Verify(t.Context(), name, info.Size, sum[:], Content)
	wantError(t, err, Integrity, "the server has other content: SHA-256 "+string(digest))
}

func TestRefusedTimesAreRemembered(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sftptest.Fault{"refused": sftptest.RefuseSetstat(), "the file with it": sftptest.DiscardOnSetstat(), "unsupported": sftptest.Refuse(sftptest.OpSetstat, sftptest.Unsupported)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, s := hostile(t, sftptest.ServerOptions{}, fault)
			before := server.Faults.Calls(sftptest.OpSetstat)
			for range 3 {
				mustUpload(t, s, "/a.part", []byte("a"))
				if err := s.SetModTime(t.Context(), "/a.part", time.Now()); err != nil {
					t.Error(err)
				}
			}
			if asked := server.Faults.Calls(sftptest.OpSetstat) - before; asked != 1 {
				t.Errorf("the server was asked %d times", asked)
			}
			holds(t, []byte("a"), server.Dir, "a.part")
		})
	}
	t.Run("of a file that is gone", func(t *testing.T) {
		t.Parallel()
		_, s := hostile(t, sftptest.ServerOptions{})
		wantError(t, s.SetModTime(t.Context(), "/none", time.Now()), Missing)
		if !s.Capabilities().SetTimes {
			t.Error("a missing file says nothing of the server")
		}
	})
}

func TestFsyncThatIsMissing(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpFsync, sftptest.Unsupported))
	before := server.Faults.Calls(sftptest.OpFsync)
	for range 3 {
		mustUpload(t, s, "/a.part", []byte("a"))
	}
	if asked := server.Faults.Calls(sftptest.OpFsync) - before; asked != 1 || s.Capabilities().Fsync {
		t.Errorf("the server was asked %d times, capabilities %+v", asked, s.Capabilities())
	}
	without := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.NoFsync())
	s = mustProbe(t, serverTarget(without))
	mustUpload(t, s, "/a.part", []byte("a"))
	if asked := without.Faults.Calls(sftptest.OpFsync); asked != 0 {
		t.Errorf("a server without fsync was asked %d times", asked)
	}
}

func TestConnectionCutAtEachStep(t *testing.T) {
	t.Parallel()
	cuts := map[string]func(string) sftptest.Fault{"before": sftptest.CutOn, "after": sftptest.LoseReply}
	steps := []string{
		sftptest.OpOpen, sftptest.OpWrite, sftptest.OpFsync, sftptest.OpClose, sftptest.OpSetstat, sftptest.OpLstat, sftptest.OpRead,
		sftptest.OpRename, sftptest.OpRemove,
	}
	for when, cut := range cuts {
		for _, op := range steps {
			t.Run(when+" "+op, func(t *testing.T) {
				t.Parallel()
				server, s := hostile(t, sftptest.ServerOptions{}, cut(op))
				if err := os.Mkdir(filepath.Join(server.Dir, "x"), 0o755); err != nil { // a refused OPEN would count
					t.Fatal(err)
				}
				begun := time.Now()
				wantError(t, deliver(t, s), Transient)
				wantDead(t, s)
				if took := time.Since(begun); took > patience/2 {
					t.Errorf("it took %v", took)
				}
			})
		}
	}
}

// deliver goes through all steps of a delivery.
func deliver(t *testing.T, s *Session) error {
	content := random(100_000)
	sum := sha256.Sum256(content)
	if err := upload(t, s, "/x/a.part", content); err != nil {
		return err
	}
	if err := s.SetModTime(t.Context(), "/x/a.part", time.Now()); err != nil {
		return err
	}
	if _, _, err := s.Verify(t.Context(), "/x/a.part", int64(len(content)), sum[:], Content); err != nil {
		return err
	}
	if err := s.Publish(t.Context(), "/x/a.part", "/x/a", false); err != nil {
		return err
	}
	return s.Remove(t.Context(), "/x/a")
}

func TestServerThatHangsAtEachStep(t *testing.T) {
	t.Parallel()
	steps := []string{
		sftptest.OpOpen, sftptest.OpWrite, sftptest.OpMkdir, sftptest.OpSetstat, sftptest.OpLstat, sftptest.OpRead, sftptest.OpRename, sftptest.OpRemove,
	}
	for _, op := range steps {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			server, first := hostile(t, sftptest.ServerOptions{})
			target := serverTarget(server)
			target.Keepalive, target.StallTimeout = stall/4, stall
			s := mustDial(t, target)
			s.Use(first.Capabilities())
			server.Faults.Add(sftptest.HangOn(op))
			begun := time.Now()
			wantError(t, within(t, op, begun, async(func() error { return deliver(t, s) })), Transient, stall.String()+" (stall_timeout)")
			wantDead(t, s)
		})
	}
}
