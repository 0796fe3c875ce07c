package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestHashCommands(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	content := random(3_000_000)
	mustUpload(t, s, s.target.Path("-a\n\\b"), content)
	mustUpload(t, s, s.target.Path("plain"), content)
	want := sha256.Sum256(content)
	for _, command := range hashCommands {
		s.hash.use(command)
		for _, name := range []string{"-a\n\\b", "plain"} {
			sum, used, err := s.Hash(t.Context(), s.target.Path(name), int64(len(content)))
			if err != nil || !bytes.Equal(sum, want[:]) || used != command {
				t.Errorf("%s of %q: %x by %q, %v, want %x", command, name, sum, used, err, want)
			}
		}
	}
	_, _, err := s.Hash(t.Context(), s.target.Path("none"), 0)
	wantError(t, err, Unsupported, "hash acme:"+s.target.Path("none")+": the hash command gave no digest of the file")
	_, _, err = s.Hash(t.Context(), s.target.Path("a\x00b"), 0)
	wantError(t, err, Unsupported)
}

// TestHashesAtDropbear holds that no file goes without its hash at a server that closes a channel which was opened ahead for
// the next command.
func TestHashesAtDropbear(t *testing.T) {
	t.Parallel()
	p := sftptest.StartDropbear(t, sftptest.ProductOptions{})
	wire := sftptest.StartWire(t, p.Addr)
	wire.SetDelay(spareFrom)
	target := productTarget(p)
	target.Host, target.Port = wire.Host(), wire.Port()
	s := mustProbe(t, target)
	content := random(9000)
	want := sha256.Sum256(content)
	mustUpload(t, s, s.target.Path("a"), content)
	for range 6 { // one after the other, so that each has a command of its own
		if sum, _, err := s.Hash(t.Context(), s.target.Path("a"), int64(len(content))); err != nil || !bytes.Equal(sum, want[:]) {
			t.Errorf("%x, %v", sum, err)
		}
	}
}

// TestACommandWhoseChannelIsClosed is begun again, where the server closes the channel before it has run anything. One that has run,
// and says nothing, is not.
func TestACommandWhoseChannelIsClosed(t *testing.T) {
	t.Parallel()
	content := random(9000)
	want := sha256.Sum256(content)
	var calls, closed atomic.Int32
	server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true, Shell: func(_ context.Context, _ string, in io.Reader, out io.Writer) uint32 {
		calls.Add(1)
		names, _ := io.ReadAll(in)
		switch {
		case strings.Contains(string(names), "gone"):
			return 1
		case closed.Add(-1) >= 0:
			return sftptest.NotRun
		}
		_, _ = fmt.Fprintf(out, "%x  a\n", want) // its end is the client's
		return 0
	}})
	s := mustDial(t, serverTarget(server))
	s.hash.use(hashCommands[1])
	name := s.target.Path("a")
	mustUpload(t, s, name, content)
	for _, n := range []int32{0, 1, 3} {
		closed.Store(n)
		if sum, _, err := s.Hash(t.Context(), name, int64(len(content))); err != nil || !bytes.Equal(sum, want[:]) {
			t.Errorf("%d channels are closed: %x, %v", n, sum, err)
		}
	}
	before := calls.Load()
	_, _, err := s.Hash(t.Context(), s.target.Path("gone"), 1)
	wantError(t, err, Unsupported, "the hash command gave no digest of the file")
	if n := calls.Load() - before; n != 1 {
		t.Errorf("the command was run %d times", n)
	}
	closed.Store(1000)
	before = calls.Load()
	_, _, err = s.Hash(t.Context(), name, 1)
	wantError(t, err, Unsupported)
	if n := calls.Load() - before; n != commandTries {
		t.Errorf("the command was tried %d times", n)
	}
}

// A relative path begins in the login directory, over SFTP and for commands alike.
func TestRelativeRoot(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Rel(u.HomeDir, sshd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	target := sshdTarget(sshd)
	target.Root = "./" + root
	s := mustProbe(t, target)
	if err := s.CheckRoot(t.Context()); err != nil {
		t.Error(err)
	}
	name := target.Path("deep/-n.part")
	if name != root+"/deep/-n.part" {
		t.Errorf("path %q", name)
	}
	mustUpload(t, s, name, []byte("x"))
	holds(t, []byte("x"), sshd.Dir, "deep/-n.part")
	sum, _, err := s.Hash(t.Context(), name, 1)
	if want := sha256.Sum256([]byte("x")); err != nil || !bytes.Equal(sum, want[:]) {
		t.Errorf("hash %x, %v, want %x", sum, err, want)
	}
}

// Files that come while a command runs share the next one: that is what keeps verification off the round trips.
func TestHashesShareCommands(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustProbe(t, sshdTarget(sshd))
	const files = 100
	for i := range files {
		mustUpload(t, s, s.target.Path(fmt.Sprint(i)), []byte{byte(i)})
	}
	count := filepath.Join(t.TempDir(), "count")
	if err := os.WriteFile(count, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.hash.use("echo run >> '" + count + "'; xargs -0 sha256sum")
	var all []<-chan error
	for i := range files {
		all = append(all, async(func() error {
			sum, _, err := s.Hash(t.Context(), s.target.Path(fmt.Sprint(i)), 1)
			if want := sha256.Sum256([]byte{byte(i)}); err == nil && !bytes.Equal(sum, want[:]) {
				return fmt.Errorf("file %d has hash %x, want %x", i, sum, want)
			}
			return err
		}))
	}
	// One that is not there takes none of the others with it.
	missing := async(func() error { _, _, err := s.Hash(t.Context(), s.target.Path("none"), 1); return err })
	for _, c := range all {
		if err := soon(t, "hash", c); err != nil {
			t.Error(err)
		}
	}
	wantError(t, soon(t, "hash", missing), Unsupported)
	text, err := os.ReadFile(count)
	// The first file alone, most of the others together, and some more to find the missing one.
	if runs := strings.Count(string(text), "run"); err != nil || runs == 0 || runs > files/2 {
		t.Errorf("%d commands for %d files, %v", runs, files, err)
	}
	s.hash.mu.Lock()
	defer s.hash.mu.Unlock()
	if s.hash.running || len(s.hash.waiting) > 0 {
		t.Error("the hasher does not rest")
	}
}

// openssl before 3.0 prints names as they are: a name's second line could pass for the digest of a file that is missing.
func TestNamesThatLookLikeDigests(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	sum := sha256.Sum256([]byte("b"))
	forged := s.target.Path(fmt.Sprintf("b\n%x *c", sum))
	mustUpload(t, s, forged, []byte("b"))
	batch := []*hashRequest{{name: s.target.Path("missing")}, {name: forged}}
	for _, r := range batch {
		r.done = make(chan struct{})
	}
	old := `xargs -0 sh -c 'for f; do [ -e "$f" ] && printf "%s *%s\n" "$(sha256sum <"$f" | cut -c1-64)" "$f"; done' sh`
	s.hashBatch(unixForm(old), batch)
	if !errors.Is(batch[0].err, errNoDigest) || batch[0].sum != nil {
		t.Errorf("the missing file has digest %x, %v", batch[0].sum, batch[0].err)
	}
	if batch[1].err != nil || !bytes.Equal(batch[1].sum, sum[:]) {
		t.Errorf("the other has %x, %v, want %x", batch[1].sum, batch[1].err, sum)
	}
}

func TestHashesEndWithTheSession(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	started := filepath.Join(t.TempDir(), "started")
	s.hash.use("touch '" + started + "'; sleep 100")
	var all []<-chan error
	for i := range 20 {
		all = append(all, async(func() error {
			_, _, err := s.Hash(t.Context(), fmt.Sprint("/none/", i), 1)
			return err
		}))
	}
	eventually(t, "the command runs", func() bool { _, err := os.Stat(started); return err == nil })
	sshd.KillSessions()
	for _, c := range all {
		wantError(t, soon(t, "hash", c), Transient, "hash acme:/none/")
	}
	wantDead(t, s)
}

func TestHashAfterTheEnd(t *testing.T) {
	t.Parallel()
	_, s := hostile(t, sftptest.ServerOptions{})
	s.hash.use("true")
	s.Close()
	_, _, err := s.Hash(t.Context(), "/a", 1)
	wantError(t, err, Transient, "session closed")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Hash(ctx, "/a", 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context is cancelled", err)
	}
}

func TestNoCommandsNoHash(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true})
	s := mustProbe(t, sshdTarget(sshd))
	hashes(s)
	if c := s.Capabilities(); c.Hash != "" || !c.PosixRename {
		t.Errorf("capabilities %+v, want no hash", c)
	}
	content := random(100_000)
	sum := sha256.Sum256(content)
	name := s.target.Path("a.part")
	mustUpload(t, s, name, content)
	_, _, err := s.Hash(t.Context(), name, int64(len(content)))
	wantError(t, err, Unsupported, "hash acme:"+name+": the server offers no hash command to this account")
	for demand, want := range map[Demand]string{Auto: SizeOnly, Size: SizeOnly, Content: ReadBack} {
		_, evidence, err := s.Verify(t.Context(), name, int64(len(content)), sum[:], demand)
		if err != nil || evidence.Kind != want || evidence.Command != "" {
			t.Errorf("%s: evidence %+v, %v, want %s", demand, evidence, err, want)
		}
	}
}

func TestCommandThatSeesOtherFilesIsNotBelieved(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	s := mustDial(t, sshdTarget(sshd))
	hashes(s)
	content := random(100_000)
	sum := sha256.Sum256(content)
	name := s.target.Path("a.part")
	mustUpload(t, s, name, content)
	other := strings.Repeat("0", 64)
	s.hash.use("cat >/dev/null; echo '" + other + " *x'")
	_, evidence, err := s.Verify(t.Context(), name, int64(len(content)), sum[:], Auto)
	if err != nil || evidence.Kind != ReadBack {
		t.Errorf("evidence %+v, %v, want that reading back has the last word", evidence, err)
	}
	if _, _, err := s.Hash(t.Context(), name, 0); !Unsupported.is(err) {
		t.Errorf("the command is still believed: %v", err)
	}
	s.hash.use("cat >/dev/null; echo '" + other + " *x'")
	_, _, err = s.Verify(t.Context(), name, int64(len(content)), bytes.Repeat([]byte{0}, 32), Content)
	if err != nil {
		t.Errorf("a command that agrees: %v", err)
	}
	wrong := sha256.Sum256(nil)
	_, _, err = s.Verify(t.Context(), name, int64(len(content)), wrong[:], Content)
	wantError(t, err, Integrity, fmt.Sprintf("SHA-256 %x, sent %x", sum, wrong))
	_, _, err = s.Verify(t.Context(), name, 99_999, sum[:], Size)
	wantError(t, err, Integrity, "the server has 100000 bytes of 99999")
}

func TestParseSums(t *testing.T) {
	t.Parallel()
	a, b := strings.Repeat("0a", 32), strings.Repeat("B1", 32)
	first, second := bytes.Repeat([]byte{0x0a}, 32), bytes.Repeat([]byte{0xb1}, 32)
	tests := map[string]struct {
		out  string
		want [][]byte
	}{
		"nothing":          {"", nil},
		"openssl":          {a + " *./x\n" + b + " */y\n", [][]byte{first, second}},
		"sha256sum":        {a + "  /x\n", [][]byte{first}},
		"escaped":          {`\` + a + "  /x\\ny\n", [][]byte{first}},
		"a shell's text":   {"Welcome!\n" + a + "  /x\nbye", [][]byte{first}},
		"no newline":       {a + "  /x", [][]byte{first}},
		"only the digest":  {a + "\n", nil},
		"too short":        {a[1:] + "  /x\n", nil},
		"too long":         {a + "0  /x\n", nil},
		"no hex":           {strings.Repeat("g", 64) + "  /x\n", nil},
		"indented":         {" " + a + "  /x\n", nil},
		"carriage returns": {a + "  /x\r\n", [][]byte{first}},
	}
	for name, test := range tests {
		if got := parseSums([]byte(test.out)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %x, want %x", name, got, test.want)
		}
	}
}
