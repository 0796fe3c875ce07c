package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestReloadOfARunningTransfersDestination gives the transfer its grace, and goes on from its checkpoint.
func TestReloadOfARunningTransfersDestination(t *testing.T) {
	t.Parallel()
	const size = 24 << 20
	r := newRig(t, "")
	wire, acme := slowly(t, r, 8<<20)
	r.grace = "500ms"
	folder := "checkpoint = { size = \"1MiB\" }\nto = [\"acme\"]"
	r.outboxTo(acme, folder)
	content := noise(size)
	r.drop("large.bin", content)
	seen := sftptest.Observe(t, r.sshd.Dir)
	a := r.watching()
	r.underWay(r.sshd.Dir, 6<<20)
	r.outboxTo(replaced(t, acme, `keepalive = "500ms"`, `keepalive = "600ms"`), folder)
	r.reload("destination acme: changed keepalive")
	wire.SetRate(0)
	r.arrives("large.bin", content)
	if n := connections(wire); n < 2 {
		t.Errorf("%d connections: the old session went on", n)
	}
	if sent, _, _ := wire.Stats(); sent > size*5/4 {
		t.Errorf("%d bytes were sent for %d", sent, size)
	}
	if len(seen.Seen()) != 1 {
		t.Errorf("seen: %+v", seen.Seen())
	}
	lacks(t, a.text(), "level=ERROR")
}

// TestReloadOfARunningTransfersFolder leaves the transfer alone, and the new rules hold for it afterwards.
func TestReloadOfARunningTransfersFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire, acme := slowly(t, r, 2<<20)
	r.outboxTo(acme, `to = ["acme"]`)
	content := noise(6 << 20)
	r.drop("large.bin", content)
	r.watching()
	r.underWay(r.sshd.Dir, 1<<19)
	connected := connections(wire)
	r.outboxTo(acme, "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:later\"]")
	r.reload("folder outbox: changed after, archive, to")
	r.drop("small.txt", "small")
	wire.SetRate(0)
	r.arrives("large.bin", content) // its name was fixed before
	r.arrives("later/small.txt", "small")
	eventually(t, "what is delivered now is archived", 10*time.Second, func() bool { return tree(t, r.archive)["small.txt"] == "small" })
	if n := connections(wire); n != connected {
		t.Errorf("%d connections, %d before", n, connected)
	}
	r.calm()
	if got := r.history(); len(got) != 2 {
		t.Errorf("history: %+v", got)
	}
}

// TestReloadFreesABlock looks at once whether a changed secret, or a changed host key, is the right one.
func TestReloadFreesABlock(t *testing.T) {
	t.Parallel()
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		r, server := passwordRig(t, "right-password", `{ file = "secret-1" }`)
		r.write(r.at("secret-1"), "wrong-password")
		r.write(r.at("secret-2"), "right-password")
		a := r.watching()
		a.wait("destination blocked")
		text := replaced(t, server.TOML("acme"), fmt.Sprintf("key_file = %q", server.KeyFile), `password = { file = "secret-2" }`)
		r.outboxTo(text+patient, `to = ["acme"]`)
		r.reload("destination acme: changed password")
		a.wait("msg=delivered")
	})
	t.Run("host key", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, "")
		pinned := fmt.Sprintf("host_key = [%q]", r.sshd.Fingerprints[0])
		wrong := `host_key = ["SHA256:` + strings.Repeat("A", 42) + `Q"]`
		r.outboxTo(replaced(t, r.acme(), pinned, strings.Replace(wrong, "Q", "A", 1)), `to = ["acme"]`)
		r.drop("a.txt", "a")
		a := r.watching()
		a.wait("destination blocked")
		r.outboxTo(r.acme(), `to = ["acme"]`)
		r.reload("destination acme: changed host_key")
		r.arrives("a.txt", "a")
	})
}

// TestMirrorIsPlannedAnew sends a mirror to its new place, and leaves the old files where they are. While the agent runs
// and at a start it is the same.
func TestMirrorIsPlannedAnew(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{true, false} {
		t.Run(map[bool]string{true: "reload", false: "start"}[running], func(t *testing.T) {
			t.Parallel()
			r := newRig(t, mirror)
			other := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
			want := map[string]string{}
			apply := func() { r.deliver(2) }
			if running {
				r.watching()
				apply = func() { r.expect(0, "reload") }
			}
			for _, name := range []string{"a.txt", "sub/b.txt"} {
				r.drop(name, name)
				want["copy/"+name] = name
			}
			if !running {
				r.deliver(2)
			}
			awaitTree(t, r.sshd.Dir, 15*time.Second, want)

			// Another directory.
			r.outboxTo(r.acme(), strings.Replace(mirror, "acme:copy", "acme:moved", 1))
			apply()
			want["moved/a.txt"], want["moved/sub/b.txt"] = "a.txt", "sub/b.txt"
			awaitTree(t, r.sshd.Dir, 15*time.Second, want)

			// Another root.
			if err := os.Mkdir(r.inbox("below"), 0o755); err != nil {
				t.Fatal(err)
			}
			r.outboxTo(replaced(t, r.acme(), fmt.Sprintf("root = %q", r.sshd.Dir), fmt.Sprintf("root = %q", r.inbox("below"))),
				strings.Replace(mirror, "acme:copy", "acme:moved", 1))
			apply()
			want["below/moved/a.txt"], want["below/moved/sub/b.txt"] = "a.txt", "sub/b.txt"
			awaitTree(t, r.sshd.Dir, 15*time.Second, want)

			// Another server.
			r.outboxTo(other.TOML("acme")+patient, mirror)
			apply()
			awaitTree(t, other.Dir, 15*time.Second, map[string]string{"copy/a.txt": "a.txt", "copy/sub/b.txt": "sub/b.txt"})
			if running {
				r.calm()
			} else {
				r.deliver(0)
			}
			wantTree(t, r.sshd.Dir, want)
		})
	}
}

// TestOutboxIsNotSentAgain stays delivered, wherever the configuration leads now.
func TestOutboxIsNotSentAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	other := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.watching()
	r.drop("a.txt", "a")
	r.arrives("in/a.txt", "a")
	for i, config := range []string{
		r.acme() + r.folder("outbox", r.outbox, `to = ["acme:elsewhere/{yyyy}"]`),
		other.TOML("acme") + patient + r.folder("outbox", r.outbox, `to = ["acme:elsewhere"]`),
	} {
		before := time.Now()
		r.configure(config)
		r.expect(0, "reload")
		r.looked("outbox", before)
		name := fmt.Sprintf("later-%d.txt", i)
		r.drop(name, "x")
		eventually(t, "a later file is delivered", 15*time.Second, func() bool { return len(r.history()) == i+2 })
	}
	r.calm()
	if got := tree(t, other.Dir); len(got) != 1 {
		t.Errorf("the other server has %v", got)
	}
	for _, d := range r.history() {
		if d.Path == "a.txt" && d.RemotePath != r.inbox("in/a.txt") {
			t.Errorf("sent again: %+v", d)
		}
	}
}

// TestReloadReadsSecretsAgain has a destination whose secret was wrong go on once the file holds the right one, while the
// session of another goes on.
func TestReloadReadsSecretsAgain(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	r, server := passwordRig(t, password, `{ file = "secret" }`)
	r.write(r.at("secret"), "not the "+password)
	a := r.start()
	a.wait("destination blocked")
	r.write(r.at("secret"), password)
	r.reload()
	eventually(t, "the file arrives", 20*time.Second, func() bool { return tree(t, server.Dir)["a.txt"] == "a" })
	// The key of a session that stands is not asked for again; the next login uses the new one.
	r.write(r.at("secret"), "changed "+password)
	r.reload()
	r.drop("b.txt", "b")
	eventually(t, "the session goes on", 20*time.Second, func() bool { return tree(t, server.Dir)["b.txt"] == "b" })
}

// TestReloadWithASecretThatCannotBeRead is refused: the session would go on, and the fault be seen at the next login. What was
// so before keeps nobody from changing the rest.
func TestReloadWithASecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	r, server := passwordRig(t, password, `{ file = "secret" }`)
	r.write(r.at("secret"), password)
	r.watching()
	eventually(t, "the file arrives", 20*time.Second, func() bool { return tree(t, server.Dir)["a.txt"] == "a" })
	remove(t, r.at("secret"))
	got := r.expect(5, "reload")
	contains(t, got.stderr, "destination \"acme\"", "secret", "no such file")
	r.drop("b.txt", "b")
	eventually(t, "the session goes on", 20*time.Second, func() bool { return tree(t, server.Dir)["b.txt"] == "b" })
	r.write(r.at("secret"), password)
	r.expect(0, "reload")
}
