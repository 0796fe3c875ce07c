package e2e

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestGrownFile has more written to the end of a mirror's file: the server copies what it has, and only the rest is sent. An agent that
// is killed in between goes on from there.
func TestGrownFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.acme()), mirror+"\ndelta = \"always\"\ncheckpoint = { size = \"1MiB\" }")
	b := make([]byte, 20<<20)
	_, _ = rand.Read(b) // never fails
	content := string(b)
	r.drop("day.log", content)
	r.deliver(1)
	for _, killed := range []bool{false, true} {
		before, _, _ := wire.Stats()
		content += strings.Repeat("one more line\n", 100_000)
		r.drop("day.log", content)
		if killed {
			r.killed("checkpoint")
		}
		r.deliver(1)
		wantTree(t, r.sshd.Dir, map[string]string{"copy/day.log": content})
		if after, _, _ := wire.Stats(); after-before > 2<<20 {
			t.Errorf("killed %v: %d bytes were sent", killed, after-before)
		}
	}
	// By less than a checkpoint it grows at once, and by a checkpoint after all where that was cut off.
	r.outboxTo(sftptest.Through(wire, r.acme()), mirror+"\ndelta = \"always\"")
	for _, killed := range []string{"", "patched"} {
		before, _, _ := wire.Stats()
		content += strings.Repeat("one line less\n", 20_000)
		r.drop("day.log", content)
		if killed != "" {
			r.killed(killed)
		}
		r.deliver(1)
		wantTree(t, r.sshd.Dir, map[string]string{"copy/day.log": content})
		if after, _, _ := wire.Stats(); after-before > 1<<20 {
			t.Errorf("killed %q: %d bytes were sent", killed, after-before)
		}
	}
	if h := r.history(); len(h) != 5 || h[0].Evidence != "remote-hash" {
		t.Errorf("receipts: %+v", h)
	}
}
