package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

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
	for i, killed := range []string{"", "uploading:1", "patched", "committed", "published"} {
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

// TestReloadOfDelta switches it on in a running agent: from the version on that is sent after that, only what has changed is sent.
func TestReloadOfDelta(t *testing.T) {
	t.Parallel()
	r := newRig(t, mirror+"\ndelta = \"off\"")
	a := r.watching()
	content := noise(2 << 20)
	next := func(n int) (sent int64) {
		t.Helper()
		content = "more" + content
		r.drop("db.bin", content)
		eventually(t, "it is delivered", time.Minute, func() bool { return len(r.history()) == n })
		h := r.history()
		if h[0].Size != int64(len(content)) {
			t.Errorf("%+v", h[0])
		}
		return h[0].Sent
	}
	for n := range 2 {
		if sent := next(n + 1); sent != int64(len(content)) {
			t.Errorf("off: %d bytes were sent", sent)
		}
	}
	r.outboxTo(r.acme(), mirror+"\ndelta = \"always\"")
	r.reload("folder outbox: changed delta")
	next(3) // of the version before nobody has noted what it consists of
	if sent := next(4); sent == 0 || sent > 256<<10 {
		t.Errorf("always: %d bytes were sent", sent)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wantTree(t, r.sshd.Dir, map[string]string{"copy/db.bin": content})
}

// TestDuplicate drops what was delivered before under another name: the server copies that, also where the agent is killed on the way. What
// was taken meanwhile is sent.
func TestDuplicate(t *testing.T) {
	t.Parallel()
	const outbox = "delta = \"always\"\nafter = \"archive\"\narchive = \"../sent\"\nto = [\"acme:in\"]"
	r := newRig(t, outbox)
	content := noise(2 << 20)
	r.drop("1.bin", content)
	r.deliver(1)
	want := map[string]string{"in/1.bin": content}
	for _, killed := range []string{"", "committed", "taken"} {
		name := killed + "2.bin"
		sent := int64(0)
		if killed == "taken" {
			sent = int64(len(content))
			for name := range want {
				if err := os.Remove(r.inbox(name)); err != nil {
					t.Fatal(err)
				}
			}
			clear(want)
		}
		r.drop(name, content)
		want["in/"+name] = content
		r.settled(0)
		if p := r.plan(0); len(p.Operations) != 1 || p.Operations[0].Sent == nil || *p.Operations[0].Sent != sent || (sent == 0) != (p.Operations[0].Op == "copy") {
			t.Errorf("%s: the plan: %+v", name, p.Operations)
		}
		if killed == "committed" {
			r.killed(killed)
		}
		r.deliver(1)
		wantTree(t, r.sshd.Dir, want)
		if h := r.history(); len(h) != len(want) && killed != "taken" || h[0].Sent != sent || h[0].Size != int64(len(content)) || h[0].Evidence != "remote-hash" {
			t.Errorf("%s: %d receipts, the last one: %+v", name, len(h), h[0])
		}
	}
}

// TestChangedFileAtAHostileServer has a server copy wrongly, too little or not at all, and loses the connection at every seventh request of
// a delivery: what is published is the new version, whole, in the end, and nobody sees anything else there.
func TestChangedFileAtAHostileServer(t *testing.T) {
	t.Parallel()
	r := &publishing{rig: bareRig(t), want: map[string]string{}, whole: map[string]bool{}}
	r.server = sftptest.StartServer(t, sftptest.ServerOptions{Copies: true, CheckFile: &sftptest.CheckFile{Announce: []string{"check-file"}}})
	r.outboxTo(r.server.TOML("acme")+hasty, mirror+"\ndelta = \"always\"")
	r.seen = sftptest.Observe(t, r.server.Dir)
	content := noise(3 << 20)
	change := func(n int) string { // what is small and scattered takes many copies
		b := []byte(content)
		for at := n << 10; at < len(b); at += 64 << 10 {
			b[at]++
		}
		content = string(b)
		return content
	}
	names := []string{"short.bin", "wrong.bin", "refused.bin", "cut.bin"}
	for _, name := range names {
		r.version(name, content)
	}
	r.deliver(len(names))
	for i, fault := range []sftptest.Fault{
		sftptest.ShortCopies(1).Skip(20), sftptest.WrongCopies(1).Skip(30), sftptest.Refuse(sftptest.OpCopy, sftptest.Failure),
	} {
		r.version(names[i], change(i+1))
		r.settled(0)
		r.server.Faults.Set(fault)
		r.deliver(1)
		if h := r.history()[0]; h.Sent != h.Size || r.server.Faults.Hits() == 0 {
			t.Errorf("%s: %d of %d bytes were sent, in spite of %d faults", names[i], h.Sent, h.Size, r.server.Faults.Hits())
		}
		r.server.Faults.Clear()
	}
	for n := 0; ; n += 7 {
		r.version("cut.bin", change(n))
		r.settled(0)
		hits := r.server.Faults.Hits()
		r.server.Faults.Set(sftptest.Fault{Op: "", Cut: true, After: n, Times: 1})
		r.deliver(1)
		if r.server.Faults.Hits() == hits {
			if n < 30 {
				t.Errorf("a delivery of %d requests", n)
			}
			break
		}
		if h := r.history()[0]; h.Sent == 0 || h.Sent > h.Size {
			t.Errorf("cut after %d requests: %d of %d bytes were sent", n, h.Sent, h.Size)
		}
	}
	r.server.Faults.Clear()
	r.wantWhole(publishingServer{})
}
