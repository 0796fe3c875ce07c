package remote

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// A small file is read back instead of being hashed: one that fits into one answer everywhere, others over a short line.
func TestSmallFilesAreReadBack(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, noEmpty(nil))
	wire := sftptest.StartWire(t, server.Addr())
	wire.SetDelay(10 * time.Millisecond)
	far := serverTarget(server)
	far.Host, far.Port = wire.Host(), wire.Port()
	for _, test := range []struct {
		target Target
		size   int
		want   string
	}{
		{serverTarget(server), 0, SizeOnly}, // this server hashes no empty file
		{serverTarget(server), 1, ReadBack},
		{serverTarget(server), smallNearby, ReadBack},
		{serverTarget(server), smallNearby + 1, CheckFile},
		{far, smallAnywhere, ReadBack},
		{far, smallAnywhere + 1, CheckFile},
	} {
		s := mustProbe(t, test.target)
		if test.target.Port != far.Port {
			s.trip.least.Store(int64(time.Millisecond)) // on a busy machine too
		}
		name, content := fmt.Sprintf("/%d.part", test.size), random(test.size)
		mustUpload(t, s, name, content)
		if got := verify(t, s, name, content, Auto); got.Kind != test.want {
			t.Errorf("%d bytes, %v away: evidence %+v, want %s", test.size, s.RoundTrip(), got, test.want)
		}
		if got := verify(t, s, name, content, Size); got.Kind != SizeOnly {
			t.Errorf("evidence %+v where the size suffices", got)
		}
	}
}

// What reading back does not show is left to the other ways to prove a file, and a server that lets nothing be read is
// asked once.
func TestSmallFilesThatCannotBeReadBack(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault sftptest.Fault
		asked int // how often, for two files; 0: it does not matter
	}{
		"refused":       {sftptest.Refuse(sftptest.OpOpen, sftptest.PermissionDenied).On("*.part"), 1},
		"read refused":  {sftptest.Refuse(sftptest.OpRead, sftptest.Failure), 2},
		"not looked at": {sftptest.Refuse(sftptest.OpLstat, sftptest.PermissionDenied), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, noEmpty(nil))
			s := mustProbe(t, serverTarget(server))
			content := random(1000)
			for i := range 2 {
				mustUpload(t, s, fmt.Sprintf("/%d.part", i), content)
			}
			server.Faults.Add(test.fault)
			for i := range 2 {
				if got := verify(t, s, fmt.Sprintf("/%d.part", i), content, Auto); got.Kind != CheckFile {
					t.Errorf("file %d: evidence %+v", i, got)
				}
			}
			if n := server.Faults.Hits(); test.asked > 0 && n != test.asked {
				t.Errorf("it was asked %d times, want %d", n, test.asked)
			}
		})
	}
}

// Content that is not what was sent is found, whatever the size says.
func TestSmallFileWithOtherContent(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, noEmpty(nil))
	s := mustProbe(t, serverTarget(server))
	for _, demand := range []Demand{Auto, Content} {
		content := random(1000)
		mustUpload(t, s, "/a.part", content)
		other := append([]byte{content[0] + 1}, content[1:]...)
		if err := os.WriteFile(filepath.Join(server.Dir, "a.part"), other, 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(content)
		_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], demand)
		wantError(t, err, Integrity, "the server has other content")
	}
}

// So it is where nothing hashes and the size would do: what was read says more.
func TestSmallFileWithOtherContentAndNoHash(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	s := mustProbe(t, serverTarget(server))
	if can := s.Capabilities(); can.Hashes() {
		t.Fatal("the server hashes")
	}
	server.Faults.Add(sftptest.Corrupt("a.part", 1))
	content := random(1000)
	mustUpload(t, s, "/a.part", content)
	sum := sha256.Sum256(content)
	_, _, err := s.Verify(t.Context(), "/a.part", int64(len(content)), sum[:], Auto)
	wantError(t, err, Integrity, "the server has other content")
}
