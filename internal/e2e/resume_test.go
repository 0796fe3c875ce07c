package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestResumeAfterCuts cuts the connection again and again in the middle of a file: it arrives, and little of it is sent
// twice.
func TestResumeAfterCuts(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.configure(sftptest.Through(wire, r.sshd.TOML("acme")) +
		r.folder("outbox", r.outbox, "checkpoint = { size = \"1MiB\" }\nretry = { initial = \"50ms\", max = \"100ms\" }\nto = [\"acme\"]"))
	content := strings.Repeat("0123456789abcdef", size/16)
	r.drop("large.bin", content)
	running := r.start()
	for range 4 {
		wire.CutAfter(5 << 20)
		before := connections(wire)
		eventually(t, "the agent comes back after a cut", 20*time.Second, func() bool { return connections(wire) > before })
	}
	eventually(t, "the file arrives", 30*time.Second, func() bool {
		return tree(t, r.sshd.Dir)["large.bin"] == content
	})
	if sent, _, _ := wire.Stats(); sent > size*3/2 {
		t.Errorf("%d bytes were sent for %d, over %d connections", sent, size, connections(wire))
	}
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestResumeAfterKill kills the agent behind a checkpoint: the next one goes on from there.
func TestResumeAfterKill(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.configure(sftptest.Through(wire, r.sshd.TOML("acme")) +
		r.folder("outbox", r.outbox, "checkpoint = { size = \"4MiB\" }\nto = [\"acme\"]"))
	content := strings.Repeat("0123456789abcdef", size/16)
	r.drop("large.bin", content)
	r.env = []string{"DROPFERRY_CRASH=checkpoint:5"}
	if got := r.run("once"); got.code != -1 {
		t.Fatalf("the crash did not happen: exit code %d\n%s", got.code, got.stderr)
	}
	r.env = nil
	before, _, _ := wire.Stats()
	r.expect(0, "once")
	after, _, _ := wire.Stats()
	if sent := after - before; sent > size/3 {
		t.Errorf("the second run sent %d bytes, with a checkpoint at 20 MiB of 24", sent)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"large.bin": content})
}

func connections(w *sftptest.Wire) int {
	_, _, n := w.Stats()
	return n
}
