package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// stream is so many bytes that are the same each time.
func stream(size int64) io.Reader { return io.LimitReader(rand.NewChaCha8([32]byte{7}), size) }

func sumOf(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func sumOfFile(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // opened for reading
	return sumOf(t, f)
}

// piped starts a command with a pipe as its standard input.
func (r *rig) piped(args ...string) (*agent, *os.File) {
	r.t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = out.Close() }) // most have closed it
	r.stdin = in
	a := r.launch(append([]string{"-c", r.config}, args...)...)
	if err := in.Close(); err != nil { // the program has its own
		r.t.Fatal(err)
	}
	return a, out
}

// wantEnd waits for a command that has to end with a code.
func (a *agent) wantEnd(code int) {
	a.t.Helper()
	<-a.done
	if got := a.command.ProcessState.ExitCode(); got != code {
		a.t.Fatalf("exit code %d, want %d\n%s", got, code, a.text())
	}
}

// TestPutOfAStream sends standard input whole, whatever its size.
func TestPutOfAStream(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1, 1 << 20, 16 << 20, 16<<20 + 1, 40 << 20} {
		t.Run(strconv.FormatInt(size, 10), func(t *testing.T) {
			t.Parallel()
			r := putRig(t)
			seen := sftptest.Observe(t, r.sshd.Dir)
			r.stdin = stream(size)
			line := decode[putJSON](t, r.expect(0, "put", "--json", "-", "acme:dumps/db.sql").stdout)
			want, evidence := sumOf(t, stream(size)), "remote-hash"
			if size == 1 { // a small file is read back
				evidence = "read-back"
			}
			if line.Type != "delivered" || line.Size != size || line.SHA256 != want || line.Path != "-" || line.Evidence != evidence {
				t.Errorf("%+v", line)
			}
			if all := seen.Seen(); len(all) != 1 || all[0].SHA256 != want || all[0].Name != "dumps/db.sql" {
				t.Errorf("seen: %+v", all)
			}
			r.stdin = strings.NewReader("another")
			contains(t, r.expect(3, "put", "-", "acme:dumps/db.sql").stderr, "--overwrite replaces it")
			r.stdin = strings.NewReader("another")
			contains(t, r.expect(0, "put", "--overwrite", "-", "acme:dumps/db.sql").stdout, "delivered standard input to acme:")
			wantTree(t, r.sshd.Dir, map[string]string{"dumps/db.sql": "another"})
		})
	}
}

// TestPutOfAnEmptyStream is refused: that is what a producer that has failed gives.
func TestPutOfAnEmptyStream(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	contains(t, r.expect(3, "put", "-", "acme:dumps/db.sql").stderr, "the stream is empty", "--allow-empty")
	wantTree(t, r.sshd.Dir, map[string]string{})
	r.expect(0, "put", "--allow-empty", "-", "acme:dumps/db.sql")
	wantTree(t, r.sshd.Dir, map[string]string{"dumps/db.sql": ""})
}

// TestPutOfALargeStream goes on after cuts from what it keeps in memory, which is little.
func TestPutOfALargeStream(t *testing.T) {
	t.Parallel()
	const size, checkpoint = 300 << 20, 16 << 20
	r, wire := wiredPutRig(t)
	a, out := r.piped("put", "--json", "-", "acme:large.bin")
	wire.CutAfter(50 << 20)
	if _, err := io.Copy(out, stream(size)); err != nil { // at its end most has arrived: the window is small
		t.Fatal(err)
	}
	wire.Cut()
	a.wantPeak(120 << 20) // while it waits for the end
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	a.wantEnd(0)
	if sent, _, n := wire.Stats(); n != 3 || sent > size+2*(checkpoint+slack) {
		t.Errorf("%d bytes were sent over %d connections", sent, n)
	}
	if want := sumOf(t, stream(size)); sumOfFile(t, r.inbox("large.bin")) != want {
		t.Error("other content arrived")
	}
}

// wantPeak bounds the memory that the program has taken so far, where the system tells.
func (a *agent) wantPeak(limit int) {
	a.t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", a.command.Process.Pid))
	if err != nil {
		a.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil || kib<<10 > limit {
		a.t.Errorf("the program has taken %d KiB, %v", kib, err)
	}
	a.t.Logf("it has taken %d KiB", kib)
}

// TestPutOfASlowStream waits for a producer as long as it takes, over connections that are lost meanwhile too.
func TestPutOfASlowStream(t *testing.T) {
	t.Parallel()
	r, wire := wiredPutRig(t)
	a, out := r.piped("put", "--timeout", "30s", "-", "acme:slow.txt")
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(out, text); err != nil {
			t.Fatal(err)
		}
	}
	cut := func() {
		t.Helper()
		before := connections(wire)
		wire.Cut()
		eventually(t, "it connects again", 15*time.Second, func() bool { return connections(wire) > before })
	}
	eventually(t, "it connects", 15*time.Second, func() bool { return connections(wire) == 1 })
	cut()
	say("the first ")
	r.underWay(r.sshd.Dir, 0)
	cut()
	say("and the last")
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	a.wantEnd(0)
	wantTree(t, r.sshd.Dir, map[string]string{"slow.txt": "the first and the last"})
}

// TestPutOfAStreamThatIsInterrupted publishes nothing and leaves nothing there.
func TestPutOfAStreamThatIsInterrupted(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	a, out := r.piped("put", "-", "acme:in/stream.txt")
	if _, err := io.Copy(out, stream(20<<20)); err != nil {
		t.Fatal(err)
	}
	r.underWay(r.inbox("in"), 1<<20)
	if code := a.signal(os.Interrupt); code != 130 {
		t.Errorf("exit code %d, want 130\n%s", code, a.text())
	}
	wantTree(t, r.sshd.Dir, map[string]string{})
}

// TestPutOfAStreamThatIsKilled leaves a temp, which the next put to the destination removes.
func TestPutOfAStreamThatIsKilled(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"uploading", "checkpoint", "uploaded", "verified"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := putRig(t)
			r.stdin = stream(20 << 20)
			r.crashes(point, "put", "-", "acme:in/stream.txt")
			wantTemps(t, r.inbox("in"), 1)
			r.stdin = nil
			r.expect(0, "put", r.source("other.txt", "other"), "acme:")
			wantTree(t, r.inbox("in"), map[string]string{})
		})
	}
}

// TestPutOfAStreamKilledAsItIsPublished brings the whole stream to its end before the name is used anew.
func TestPutOfAStreamKilledAsItIsPublished(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"committed", "published"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			r := putRig(t)
			r.stdin = strings.NewReader("whole")
			r.crashes(point, "put", "-", "acme:in/stream.txt")
			r.stdin = strings.NewReader("another")
			contains(t, r.expect(3, "put", "-", "acme:in/stream.txt").stderr, "a file of 5 bytes")
			wantTree(t, r.inbox("in"), map[string]string{"stream.txt": "whole"})
			r.stdin = strings.NewReader("another")
			r.expect(0, "put", "--overwrite", "-", "acme:in/stream.txt")
			wantTree(t, r.inbox("in"), map[string]string{"stream.txt": "another"})
		})
	}
}
