package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	contains(t, r.expect(0, "status").stdout, "agent rig is not running", "folder outbox (outbox, "+r.outbox+")", "destination acme")
	r.write(r.inbox("in/held.txt"), "theirs")
	for _, name := range []string{"held.txt", "a.txt"} {
		r.drop(name, name)
	}
	r.once(3)
	s := r.status()
	if s.Agent.Running || s.Agent.Name != "rig" || s.Agent.Config != r.config || s.Agent.PID != 0 || s.Agent.StartedAt != nil {
		t.Errorf("agent: %+v", s.Agent)
	}
	if len(s.Folders) != 1 || s.Folders[0].Held != 1 || s.Folders[0].Ready != 0 || s.Folders[0].Path != r.outbox || s.Transfers == nil {
		t.Errorf("status: %+v", s)
	}

	a := r.watching()
	r.quiet()
	s = r.status()
	if !s.Agent.Running || s.Agent.PID != a.command.Process.Pid || s.Agent.Version == "" || s.Agent.StartedAt == nil || time.Since(*s.Agent.StartedAt) > time.Minute {
		t.Errorf("agent: %+v", s.Agent)
	}
	f := s.Folders[0]
	if f.State != "watching" || f.Held != 1 || f.Files != 2 || f.LastScan == nil || f.Mode != "outbox" {
		t.Errorf("folder: %+v", f)
	}
	if d := s.Destinations[0]; d.Name != "acme" || d.State == "" || d.Queued != 0 {
		t.Errorf("destination: %+v", d)
	}
	contains(t, r.expect(0, "status").stdout, "agent rig is running (pid ", "watching, 2 files", "1 held", "destination acme: ")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	contains(t, r.expect(0, "status").stdout, "is not running")
}

// TestStatusOfATransfer shows how far a large file has come.
func TestStatusOfATransfer(t *testing.T) {
	t.Parallel()
	r, wire := slowRig(t, 2<<20, patient, `to = ["acme:in"]`)
	a := r.watching()
	r.drop("large.bin", noise(6<<20))
	var s statusJSON
	eventually(t, "the transfer has come far", 15*time.Second, func() bool {
		s = r.status()
		return len(s.Transfers) == 1 && s.Transfers[0].Sent > 1<<20
	})
	x := s.Transfers[0]
	if x.Path != "large.bin" || x.Folder != "outbox" || x.Destination != "acme" || x.Size != 6<<20 || x.Sent > x.Size || x.ID == "" {
		t.Errorf("transfer: %+v", x)
	}
	if d := s.Destinations[0]; d.State != "active" || d.Active != 1 || !d.Connected {
		t.Errorf("destination: %+v", d)
	}
	contains(t, r.expect(0, "status").stdout, "large.bin -> acme", "of 6.0 MiB", "%)")
	wire.SetRate(0)
	a.wait("delivered")
	eventually(t, "nothing is under way", 5*time.Second, func() bool { s := r.status(); return len(s.Transfers) == 0 && s.Destinations[0].State == "idle" })
}

// TestStatusOfAFullServer says why nothing goes on.
func TestStatusOfAFullServer(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.DiskFullAfter(4096))
	r := bareRig(t)
	r.outboxTo(server.TOML("acme")+patient, "retry = { initial = \"100ms\", max = \"300ms\" }\nto = [\"acme:in\"]")
	a := r.watching()
	r.drop("large.bin", noise(1<<20))
	a.wait("disk is full")
	eventually(t, "the status tells", 10*time.Second, func() bool { // between two attempts
		text := r.expect(0, "status").stdout
		return strings.Contains(text, "the server's disk is full") && strings.Contains(text, "next attempt")
	})
	server.Faults.Clear()
	a.wait("delivered")
}
