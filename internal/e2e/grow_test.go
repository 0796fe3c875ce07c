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
	configure := func(checkpoint string) {
		r.outboxTo(sftptest.Through(wire, r.acme()), mirror+"\ndelta = \"always\"\n"+checkpoint)
	}
	configure("checkpoint = { size = \"1MiB\" }")
	b := make([]byte, 20<<20)
	_, _ = rand.Read(b) // never fails
	content := string(b)
	r.drop("day.log", content)
	r.deliver(1)
	grows := func(lines, most int, killed string) {
		t.Helper()
		before, _, _ := wire.Stats()
		content += strings.Repeat("one more line\n", lines)
		r.drop("day.log", content)
		if killed != "" {
			r.killed(killed)
		}
		r.deliver(1)
		wantTree(t, r.sshd.Dir, map[string]string{"copy/day.log": content})
		if after, _, _ := wire.Stats(); after-before > int64(most) {
			t.Errorf("killed %q: %d bytes were sent", killed, after-before)
		}
	}
	for _, killed := range []string{"", "checkpoint"} {
		grows(100_000, 2<<20, killed)
	}
	// By less than a checkpoint it grows at once, and by a checkpoint after all where that was cut off.
	configure("")
	for _, killed := range []string{"", "patched"} {
		grows(20_000, 1<<20, killed)
	}
	if h := r.history(); len(h) != 5 || h[0].Evidence != "remote-hash" {
		t.Errorf("receipts: %+v", h)
	}
}
