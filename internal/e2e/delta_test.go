package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestChangedFile changes a few bytes of a large file, again and again: the server puts the new version together from the one that it
// has, and proves it, also where the agent is killed on the way. What is sent is what is new.
func TestChangedFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	const always = mirror + "\ndelta = \"always\""
	r.outboxTo(sftptest.Through(wire, r.acme()), always)
	content := noise(6 << 20)
	r.drop("db.bin", content)
	r.deliver(1)
	for i, killed := range []string{"", "uploading:2", "patched", "committed", "published"} {
		at := (i + 1) << 19
		content = content[:at] + "more than before" + content[at:2*at] + "!" + content[2*at+1:]
		r.drop("db.bin", content)
		r.settled(0)
		if p := r.plan(0); len(p.Operations) != 1 || p.Operations[0].Sent == nil || *p.Operations[0].Sent > 1<<20 {
			t.Errorf("the plan: %+v", p.Operations)
		}
		before, _, _ := wire.Stats()
		if killed != "" {
			r.killed(killed)
		}
		r.deliver(1)
		wantTree(t, r.sshd.Dir, map[string]string{"copy/db.bin": content})
		if after, _, _ := wire.Stats(); after-before > 1<<20 {
			t.Errorf("killed at %q: %d bytes were sent", killed, after-before)
		}
		h := r.history()
		if len(h) != i+2 || h[0].Evidence != "remote-hash" || h[0].Sent == 0 || h[0].Sent > 256<<10 || h[0].Size != int64(len(content)) {
			t.Errorf("killed at %q: %d receipts, the last one: %+v", killed, len(h), h[0])
		}
	}
	if text := r.expect(0, "history").stdout; !strings.Contains(text, " of 6.0 MiB") {
		t.Errorf("the history does not tell what was sent:\n%s", text)
	}
}

// TestChangedFileThatWasChangedThere has somebody change the file at the server without a trace in its size and its time: the hash shows it,
// the file is sent whole, and explain tells why.
func TestChangedFileThatWasChangedThere(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror+"\ndelta = \"always\"")
	content := noise(2 << 20)
	r.drop("db.bin", content)
	r.deliver(1)
	there := r.inbox("copy/db.bin")
	was, err := os.Stat(there)
	if err != nil {
		t.Fatal(err)
	}
	r.write(there, content[:1<<20]+"somebody's"+content[1<<20+10:])
	if err := os.Chtimes(there, was.ModTime(), was.ModTime()); err != nil {
		t.Fatal(err)
	}
	content = "new" + content
	r.drop("db.bin", content)
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"copy/db.bin": content})
	if h := r.history(); len(h) != 2 || h[0].Sent != h[0].Size {
		t.Errorf("receipts: %+v", h)
	}
	if e := r.explain(r.outbox + "/db.bin"); len(e.Routes) != 1 || !strings.Contains(e.Routes[0].Whole, "wrong") {
		t.Errorf("%+v", e)
	}
}
