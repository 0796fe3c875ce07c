//go:build unix

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAnAgentThatStoodStill is stopped for longer than the connection may be silent, in mid-upload, as where its machine is saved and goes on: what
// the server has said meanwhile waits to be read, and the connection is not given up for it.
func TestAnAgentThatStoodStill(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	content := noise(6 << 20)
	r.configure(r.sshd.TOML("acme") + hasty + "bandwidth = \"2MiB\"\n" + r.folder("outbox", r.outbox, "to = [\"acme\"]"))
	running := r.start()
	r.drop("a.bin", content)
	running.wait("connected")
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		if err := running.command.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(4 * time.Second)
		if err := running.command.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "it is delivered", 20*time.Second, func() bool { return len(r.history()) == 1 })
	if d := r.history()[0]; d.Attempts != 1 {
		t.Errorf("%d attempts", d.Attempts)
	}
	running.stop()
	if n := strings.Count(running.text(), "connected"); n != 1 || strings.Contains(running.text(), "stall_timeout") {
		t.Errorf("%d connections:\n%s", n, running.text())
	}
	wantTree(t, r.sshd.Dir, map[string]string{"a.bin": content})
}
