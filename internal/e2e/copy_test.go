package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestCopyAtTheServer adds a copy of a file that the server has already: it is copied there, and proved. On a line that is faster than
// disks it would rather be sent.
func TestCopyAtTheServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	wire.SetRate(20 << 20)
	r.outboxTo(sftptest.Through(wire, r.acme()), mirror)
	content := noise(20<<20 + 7)
	r.drop("a.bin", content)
	r.deliver(1)
	before, _, _ := wire.Stats()
	r.drop("sub/copy.bin", content)
	r.settled(0)
	if p := r.plan(0); len(p.Operations) != 1 || p.Operations[0].Op != "copy" || !strings.HasSuffix(p.Operations[0].From, "copy/a.bin") {
		t.Errorf("the plan: %+v", p.Operations)
	}
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/a.bin": content, "copy/sub/copy.bin": content})
	after, _, _ := wire.Stats()
	if sent := after - before; sent > 1<<20 {
		t.Errorf("%d bytes were sent", sent)
	}
	if h := r.history(); len(h) != 2 || h[0].Evidence != "remote-hash" {
		t.Errorf("receipts: %+v", h)
	}
}

// TestCopyOfWhatWasChanged there by somebody is sent.
func TestCopyOfWhatWasChanged(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	content := noise(1 << 20)
	r.drop("a.bin", content)
	r.deliver(1)
	r.write(r.inbox("copy/a.bin"), "somebody's"+content[10:])
	r.drop("b.bin", content)
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/a.bin": "somebody's" + content[10:], "copy/b.bin": content})
	if err := os.Remove(filepath.Join(r.sshd.Dir, "copy/a.bin")); err != nil {
		t.Fatal(err)
	}
	r.drop("c.bin", content) // of b, since a is gone
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/b.bin": content, "copy/c.bin": content})
}
