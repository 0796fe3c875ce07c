package remote

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	destination = "acme"
	// patience is for what should happen at once, on a busy machine too.
	patience = time.Minute
	// stall is the stall timeout of tests in which a stall is to be found. A busy machine pauses for two seconds, and more with the race
	// detector, which takes long over large buffers and lets nothing else go on meanwhile.
	stall = 4 * time.Second
	// found is when it has to be found, beyond the stall timeout: a fraction of it later where all is well.
	found = 15 * time.Second
)

// sshdTarget is an account on a real sshd.
func sshdTarget(s *sftptest.SSHD) Target {
	return Target{
		Name: destination, Host: s.Host, Port: s.Port, User: s.User, KeyFile: s.KeyFile, PinnedKeys: s.Fingerprints,
		Root: s.Dir, ConnectTimeout: patience, Keepalive: time.Second, StallTimeout: patience,
	}
}

// serverTarget is an account on a server with faults.
func serverTarget(s *sftptest.TestServer) Target {
	return Target{
		Name: destination, Host: s.Host(), Port: s.Port(), User: s.User, KeyFile: s.KeyFile,
		PinnedKeys: []string{s.Fingerprint()}, Root: "/", ConnectTimeout: patience, Keepalive: time.Second, StallTimeout: patience,
	}
}

// productTarget is an account on a real server of another make.
func productTarget(p *sftptest.Product) Target {
	return Target{
		Name: destination, Host: p.Host, Port: p.Port, User: p.User, KeyFile: p.KeyFile, PinnedKeys: p.Fingerprints, Root: p.Root,
		ConnectTimeout: patience, Keepalive: time.Second, StallTimeout: patience,
	}
}

// over is a target that is reached over a wire, and gives up soon.
func over(w *sftptest.Wire, t Target) Target {
	t.Host, t.Port = w.Host(), w.Port()
	t.Keepalive, t.StallTimeout, t.Channels = stall/4, stall, 1
	return t
}

func mustDial(t *testing.T, target Target) *Session {
	t.Helper()
	s, err := Dial(t.Context(), target)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// mustProbe dials and finds out what the server can do.
func mustProbe(t *testing.T, target Target) *Session {
	t.Helper()
	s := mustDial(t, target)
	if _, err := s.Probe(t.Context(), time.Now()); err != nil {
		t.Fatalf("probe: %v", err)
	}
	return s
}

// hostile starts a server with faults and a session that has probed it before they were there.
func hostile(t *testing.T, o sftptest.ServerOptions, faults ...sftptest.Fault) (*sftptest.TestServer, *Session) {
	t.Helper()
	server := sftptest.StartServer(t, o)
	s := mustProbe(t, serverTarget(server))
	server.Faults.Add(faults...)
	return server, s
}

// hashes has a session hash small files as it does large ones.
func hashes(s *Session) { s.small.Store(0) }

func mustUpload(t *testing.T, s *Session, temp string, content []byte) {
	t.Helper()
	if err := upload(t, s, temp, content); err != nil {
		t.Fatalf("upload: %v", err)
	}
}

// upload uploads and checks the hash that is returned.
func upload(t *testing.T, s *Session, temp string, content []byte) error {
	t.Helper()
	sum, err := s.Upload(t.Context(), Upload{Temp: temp, Size: int64(len(content))}, bytes.NewReader(content))
	want := sha256.Sum256(content)
	if err == nil && !bytes.Equal(sum, want[:]) {
		t.Errorf("upload of %d bytes returned %x, want %x", len(content), sum, want)
	}
	return err
}

// random returns n bytes that look like nothing else.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b) // never fails
	return b
}

// holds checks a file on the server's disk.
func holds(t *testing.T, want []byte, elements ...string) {
	t.Helper()
	got, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		t.Error(err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%q holds %d bytes that are not the %d expected", filepath.Join(elements...), len(got), len(want))
	}
}

// names lists a directory on the server's disk.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// wantError checks an error's kind and that its text, with the hint, has the parts.
func wantError(t *testing.T, err error, kind Kind, parts ...string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *Error of kind %s", err, kind)
	}
	if e.Kind != kind {
		t.Errorf("kind %s, want %s: %v", e.Kind, kind, err)
	}
	text := err.Error() + "\n" + HintOf(err)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
}

// wantDead checks that a session has ended, and for a reason with the parts.
func wantDead(t *testing.T, s *Session, parts ...string) {
	t.Helper()
	select {
	case <-s.Done():
	case <-time.After(patience):
		t.Fatal("the session lives on")
	}
	for _, part := range parts {
		if !strings.Contains(s.Err().Error(), part) {
			t.Errorf("the session ended with %q, want %q in it", s.Err(), part)
		}
	}
}

// soon waits for a result that should come.
func soon[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: nothing in %v", what, patience)
		panic("unreachable")
	}
}

// within waits for the result of a call that hangs, and checks that it was freed in time. begun is when what makes it
// hang began.
func within(t *testing.T, what string, begun time.Time, c <-chan error) error {
	t.Helper()
	err := soon(t, what, c)
	if took := time.Since(begun); took > stall+found {
		t.Errorf("%s took %v, want at most %v", what, took, stall+found)
	}
	return err
}

// async calls f and returns where its error arrives.
func async(f func() error) <-chan error {
	c := make(chan error, 1)
	go func() { c <- f() }()
	return c
}

// endless is a source of zeroes.
type endless struct{}

func (endless) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// uploading begins an upload that does not end by itself and returns once more than mark bytes are sent.
func uploading(t *testing.T, s *Session, temp string, mark int64) <-chan error {
	t.Helper()
	reached := make(chan struct{})
	told := false
	done := async(func() error {
		_, err := s.Upload(t.Context(), Upload{Temp: temp, Size: 1 << 40, Progress: func(sent int64) {
			if sent > mark && !told {
				told = true
				close(reached)
			}
		}}, endless{})
		return err
	})
	select {
	case <-reached:
	case err := <-done:
		t.Fatalf("the upload ended: %v", err)
	case <-time.After(patience):
		t.Fatal("the upload does not move")
	}
	return done
}

// eventually waits for what no event tells.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not in %v", what, patience)
		}
		time.Sleep(2 * time.Millisecond)
	}
}
