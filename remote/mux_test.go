package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/pkg/sftp"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// Whatever pieces pkg/sftp writes its packets in, requests of ours stand between whole ones.
func TestPacketsStayWhole(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var sent stream
		m := &mux{out: &sent, waiting: map[uint32]func([]byte){}, nextID: firstOwnID, closed: make(chan struct{})}
		close(m.closed) // nobody answers: a call ends once it is sent
		theirs := frame(packetInit, 0, 0, 0, 3)
		for i := range byte(50) {
			theirs = append(theirs, frame(append([]byte{i, 0, 0, 0, i}, make([]byte, random.IntN(40))...)...)...)
		}
		ours := async(func() error {
			for i := range 50 {
				if _, err := m.call(packetRemove, appendString(nil, fmt.Sprint(i))); !errors.Is(err, errGone) {
					return err
				}
			}
			return nil
		})
		want := len(theirs) - 9
		for rest := theirs; len(rest) > 0; {
			n := 1 + random.IntN(min(len(rest), 30))
			if random.IntN(2) == 0 { // as pkg/sftp does: a packet, or its head
				n = min(len(rest), 13)
			}
			if written, err := m.Write(rest[:n]); err != nil || written != n {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		if err := soon(t, "our requests", ours); err != nil {
			t.Fatal(err)
		}
		var passed, made int
		for r := bytes.NewReader(sent.all); r.Len() > 0; {
			packet := readRequest(r)
			switch {
			case len(packet) < 5:
				t.Fatalf("seed %d: packets are mixed after %d and %d", seed, passed, made)
			case binary.BigEndian.Uint32(packet[1:]) >= firstOwnID:
				made++
			default:
				passed += 4 + len(packet)
			}
		}
		if passed != want || made != 50 {
			t.Errorf("seed %d: %d bytes passed of %d, %d requests made of 50", seed, passed, want, made)
		}
	}
}

// stream keeps what is written to it.
type stream struct{ all []byte }

func (s *stream) Write(b []byte) (int, error) {
	s.all = append(s.all, b...)
	runtime.Gosched() // whoever may come between does so now
	return len(b), nil
}

func TestWriteToABrokenChannelFreesTheNext(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	m := &mux{out: writerFunc(func([]byte) (int, error) { return 0, broken }), started: true, waiting: map[uint32]func([]byte){}, closed: make(chan struct{})}
	for range 3 {
		if _, err := m.Write([]byte{0, 0, 0, 100, 1}); !errors.Is(err, broken) { // the head of a packet
			t.Errorf("got %v", err)
		}
		if _, err := m.call(packetRemove, nil); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	}
}

// Our own requests and pkg/sftp's share a channel under load.
func TestOwnRequestsDuringAnUpload(t *testing.T) {
	t.Parallel()
	server, s := hostile(t, sftptest.ServerOptions{})
	var removals []<-chan error
	content := random(8 << 20)
	uploaded := async(func() error { return upload(t, s, "/a.part", content) })
	for i := range 8 {
		removals = append(removals, async(func() error {
			for j := range 50 {
				if err := s.Remove(t.Context(), fmt.Sprintf("/none-%d-%d", i, j)); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, c := range append(removals, uploaded) {
		if err := soon(t, "a request", c); err != nil {
			t.Error(err)
		}
	}
	holds(t, content, server.Dir, "a.part")
}

// After months a session's count of requests reaches the ids that ours begin with.
func TestIDsThatMeet(t *testing.T) {
	t.Parallel()
	theirs, ours := make(chan []byte, 1), make(chan []byte, 1)
	m := &mux{waiting: map[uint32]func([]byte){firstOwnID + 5: func(r []byte) { ours <- r }}}
	status := func(id uint32) []byte { return requestPacket(packetStatus, id, []byte{0, 0, 0, 0})[4:] }
	if !m.deliver(status(firstOwnID + 5)) {
		t.Error("an awaited reply is not taken for ours")
	}
	for _, id := range []uint32{firstOwnID + 5, firstOwnID, 1, 1<<32 - 1} {
		if m.deliver(status(id)) {
			t.Errorf("reply %d is taken for ours, and nobody waits for it", id)
		}
	}
	if len(ours) != 1 || len(theirs) != 0 {
		t.Error("the reply is not there")
	}
	m = &mux{out: io.Discard, waiting: map[uint32]func([]byte){}, nextID: 1<<32 - 1, closed: make(chan struct{})}
	close(m.closed)
	_, _ = m.call(packetRemove, nil) // nobody answers
	if m.nextID != firstOwnID {
		t.Errorf("after the last id comes %d", m.nextID)
	}
}

func TestStatusTexts(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 300)
	tests := []struct {
		code uint32
		text string
		want string
		is   error
	}{
		{2, "No such file", "no such file or directory", fs.ErrNotExist},
		{2, "mailbox closed", `no such file or directory; the server says "mailbox closed"`, fs.ErrNotExist},
		{10, "", "no such file or directory", fs.ErrNotExist},
		{3, "Permission denied.", "permission denied", fs.ErrPermission},
		{3, "only one open file\n", `permission denied; the server says "only one open file"`, fs.ErrPermission},
		{12, "", "permission denied", fs.ErrPermission},
		{4, "Failure", `the server answered "Failure" (SFTP status 4, which says no more)`, nil},
		{4, `a "quoted" (text)`, `the server answered "a \"quoted\" (text)" (SFTP status 4)`, nil},
		{4, "", "the server answered with SFTP status 4 and no text", nil},
		{8, "Operation unsupported", "the server does not support this operation", nil},
		{14, "disk full", `the server has no room; the server says "disk full"`, nil},
		{99, long, `the server answered "` + strings.Repeat("ä", 100) + `..." (SFTP status 99)`, nil},
	}
	for _, test := range tests {
		err := &statusError{code: test.code, text: test.text}
		if err.Error() != test.want {
			t.Errorf("%d %q: %s, want %s", test.code, test.text, err, test.want)
		}
		for _, known := range []error{fs.ErrNotExist, fs.ErrPermission, fs.ErrExist} {
			if errors.Is(err, known) != errors.Is(test.is, known) {
				t.Errorf("%d: errors.Is(%v) is %t", test.code, known, errors.Is(err, known))
			}
		}
	}
}

// pkg/sftp tells the text of a status only as it prints it, and not at all with the codes 2 and 3.
func TestStatusSurvivesTheLibrary(t *testing.T) {
	t.Parallel()
	for _, code := range []byte{2, 3, 4, 11, 200} {
		for _, text := range []string{"", "plain", `a "quoted" (text)`, "line\nline", "\xff\xfe", "%s"} {
			packet := frame(append(append([]byte{packetStatus, 0, 0, 0, 1, 0, 0, 0, code}, appendString(nil, text)...), 0, 0, 0, 0)...)
			keepText(packet)
			s := mustDial(t, subsystem(t, answering(packet, false)))
			_, err := s.sftp.Lstat("/a")
			var library *sftp.StatusError
			if !errors.As(err, &library) {
				t.Fatalf("%d: got %T", code, err)
			}
			if got := fromLibrary(library); got.code != uint32(code) || got.text != text {
				t.Errorf("%d %q became %d %q", code, text, got.code, got.text)
			}
			s.Close()
		}
	}
}

func TestPrintablePaths(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"/in/a b'\"$.csv": "/in/a b'\"$.csv", "/in/ä": "/in/ä", "a\nb": `"a\nb"`, "\x1b[31m": `"\x1b[31m"`, "\xff": `"\xff"`, "a\u202eb": `"a\u202eb"`,
	}
	for path, want := range tests {
		if got := printable(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
		err := &Error{Op: "put", Destination: destination, Path: path, Kind: Missing, Err: fs.ErrNotExist}
		if got := err.Error(); got != "put acme:"+want+": file does not exist" {
			t.Errorf("%s", got)
		}
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		v    sftp.StatVFS
		free int64
		told bool
	}{
		"some":            {sftp.StatVFS{Bsize: 1, Frsize: 4096, Blocks: 100, Bavail: 10}, 40960, true},
		"no fragments":    {sftp.StatVFS{Bsize: 512, Blocks: 100, Bavail: 10}, 5120, true},
		"full":            {sftp.StatVFS{Frsize: 4096, Blocks: 100, Bfree: 5}, 0, true},
		"no inodes":       {sftp.StatVFS{Frsize: 4096, Blocks: 100, Bavail: 10, Files: 5}, 0, true},
		"nothing told":    {sftp.StatVFS{}, 0, false},
		"no blocks":       {sftp.StatVFS{Frsize: 4096}, 0, false},
		"more than there": {sftp.StatVFS{Frsize: 4096, Blocks: 1 << 63, Bavail: 1 << 63}, 1<<63 - 1, true},
	}
	for name, test := range tests {
		if free, told := room(&test.v); free != test.free || told != test.told {
			t.Errorf("%s: %d, %t, want %d, %t", name, free, told, test.free, test.told)
		}
	}
}

func TestTargetPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ root, path, want string }{
		{"/in", "a", "/in/a"},
		{"/in/", "a/b", "/in/a/b"},
		{"/", "a", "/a"},
		{"", "a", "a"},
		{".", "a", "a"},
		{"~", "a", "a"},
		{"~/in", "a", "in/a"},
		{"./in", "a", "in/a"},
		{"/in", "/abs", "/abs"},
		{"in", "", "in"},
		{"", "", ""},
		{"/in", "a//b/../c", "/in/a//b/../c"},
		{"~/", "a", "a"},
	}
	for _, test := range tests {
		target := Target{Root: test.root}
		if got := target.Path(test.path); got != test.want {
			t.Errorf("%q under %q: %q, want %q", test.path, test.root, got, test.want)
		}
	}
}

func TestDefaultsBoundEverything(t *testing.T) {
	t.Parallel()
	got := Target{}.withDefaults()
	if got.ConnectTimeout <= 0 || got.Keepalive <= 0 || got.StallTimeout <= got.Keepalive {
		t.Errorf("%+v", got)
	}
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	target := serverTarget(server)
	target.ConnectTimeout, target.Keepalive, target.StallTimeout = 0, 0, 0
	s := mustDial(t, target)
	mustUpload(t, s, "/a", []byte("a"))
	if in, out := s.Traffic(); in == 0 || out == 0 {
		t.Errorf("traffic %d, %d", in, out)
	}
	sum := sha256.Sum256([]byte("a"))
	if back, err := s.ReadBack(t.Context(), "/a"); err != nil || !bytes.Equal(back, sum[:]) {
		t.Errorf("read back %x, %v", back, err)
	}
}
