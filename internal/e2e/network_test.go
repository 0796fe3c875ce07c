package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// shutOutFor is how long a server is let alone that has closed a connection before the login, as cuts and outages of
// these tests look from here.
const shutOutFor = 20 * time.Second

// eager is a folder that does not wait long after a failure.
const eager = "retry = { initial = \"100ms\", max = \"500ms\" }\nto = [\"acme\"]"

// TestNetworkFaults break the connection in the middle of an upload: the file arrives, whole, and appears once.
func TestNetworkFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault func(t *testing.T, r *rig, w *sftptest.Wire)
	}{
		{"server restarted", func(_ *testing.T, r *rig, _ *sftptest.Wire) { r.sshd.Restart() }},
		{"server away for a while", func(t *testing.T, r *rig, _ *sftptest.Wire) {
			r.sshd.Stop()
			eventually(t, "the outage is noticed", 10*time.Second, func() bool {
				d := r.status().Destinations[0]
				return d.State == "waiting" && strings.Contains(d.Reason, "connection re") // refused, or reset by the wire
			})
			r.sshd.Start()
		}},
		{"session killed", func(_ *testing.T, r *rig, _ *sftptest.Wire) { r.sshd.KillSessions() }},
		{"connection reset", func(_ *testing.T, _ *rig, w *sftptest.Wire) { w.Cut() }},
		{"silence for a while", func(t *testing.T, r *rig, w *sftptest.Wire) {
			w.Blackhole(true)
			eventually(t, "the silence is noticed", 15*time.Second, func() bool {
				d := r.status().Destinations[0]
				return !d.Connected
			})
			w.Blackhole(false)
		}},
		{"replies lost", func(t *testing.T, r *rig, w *sftptest.Wire) {
			w.BlackholeDown(true)
			eventually(t, "the silence is noticed", 15*time.Second, func() bool { return !r.status().Destinations[0].Connected })
			w.BlackholeDown(false)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, wire := slowRig(t, 4<<20, hasty, eager)
			seen := sftptest.Observe(t, r.sshd.Dir)
			content := noise(6 << 20)
			a := r.watching()
			r.drop("large.bin", content)
			r.underWay(r.sshd.Dir, 1<<20)
			c.fault(t, r, wire)
			r.expect(0, "retry", "destination:acme") // after five attempts it would be let alone for longer
			wire.SetRate(0)
			awaitTree(t, r.sshd.Dir, shutOutFor+20*time.Second, map[string]string{"large.bin": content})
			eventually(t, "there is a receipt", 5*time.Second, func() bool { return len(r.history()) == 1 })
			if h := r.history()[0]; h.Attempts < 2 || h.Size != int64(len(content)) {
				t.Errorf("receipt: %+v", h)
			}
			if n := len(seen.Seen()); n != 1 {
				t.Errorf("%d publications", n)
			}
			if code := a.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestFrozenServer hangs the server's SFTP process while its SSH still answers keepalives.
func TestFrozenServer(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{External: true})
	r.outboxTo(r.sshd.TOML("acme")+hasty, eager)
	a := r.watching()
	r.drop("a.txt", "a")
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"a.txt": "a"})
	thaw := r.sshd.Freeze()
	defer thaw()
	r.drop("b.txt", "b")
	awaitTree(t, r.sshd.Dir, shutOutFor+20*time.Second, map[string]string{"a.txt": "a", "b.txt": "b"})
	contains(t, a.text(), "was not answered within 2s")
}

// TestCutAtEveryStretch resets the connection again and again, at different places of the dialogue.
func TestCutAtEveryStretch(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.outboxTo(sftptest.Through(wire, r.sshd.TOML("acme")+hasty), eager)
	seen := sftptest.Observe(t, r.sshd.Dir)
	a := r.watching()
	want := map[string]string{}
	for i := range 12 {
		name := fmt.Sprintf("f%02d.txt", i)
		want[name] = strings.Repeat(name, 1000*i)
		cut := wire.CutAfter(int64(500 * i * i))
		r.drop(name, want[name])
		select {
		case <-cut:
		case <-time.After(3 * time.Second): // all passed before
			wire.CutAfter(-1)
		}
		awaitTree(t, r.sshd.Dir, shutOutFor+20*time.Second, want)
	}
	eventually(t, "there are receipts for all", 5*time.Second, func() bool { return len(r.history()) == len(want) })
	if n := len(seen.Seen()); n != len(want) {
		t.Errorf("%d publications of %d files", n, len(want))
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestServerWhoseCommandsHang delivers without them: an account may have a menu for its shell.
func TestServerWhoseCommandsHang(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Exec: true}, sftptest.HangOn(sftptest.OpExec))
	r := bareRig(t)
	r.outboxTo(server.TOML("acme")+hasty, `to = ["acme"]`)
	r.drop("a.txt", "a")
	a := r.launch("-c", r.config, "once")
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		t.Fatal("once does not end")
	}
	wantTree(t, server.Dir, map[string]string{"a.txt": "a"})
}
