package e2e

import (
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// shutting is a server that closes every connection at once, and counts them.
func shutting(t *testing.T, port int) *atomic.Int64 {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			_ = c.Close() // as tcpd does
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close() // nobody else connects
		<-ended
	})
	return &n
}

// TestShutOutByTheServer tries no more than once in 20 seconds, across restarts and with `once`, until a person says so.
func TestShutOutByTheServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.outboxTo(r.acme(), "retry = { initial = \"1h\", max = \"2h\" }\nto = [\"acme:in\"]")
	r.sshd.Stop()
	n := shutting(t, r.sshd.Port)
	r.drop("a.txt", "a")
	contains(t, r.expect(14, "once").text(), "has closed the connection before the login", "it is let alone for 20s at least")
	if n.Load() != 1 {
		t.Errorf("once has dialled %d times", n.Load())
	}
	for range 3 {
		a := r.watching()
		a.wait("cannot be used for now")
		contains(t, a.text(), r.typed("retry destination:acme"))
		if d := r.status().Destinations[0]; d.State != "waiting" || d.NextAttempt == nil || d.Queued != 1 {
			t.Errorf("status: %+v", d)
		}
		if code := a.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	if n.Load() != 1 {
		t.Errorf("%d connections after three restarts, want 1", n.Load())
	}
	if d := r.status().Destinations[0]; d.State != "waiting" || d.NextAttempt == nil {
		t.Errorf("status without an agent: %+v", d)
	}
	if o := r.command("retry", "destination:acme"); len(o.Destinations) != 1 {
		t.Errorf("retry: %+v", o)
	}
	r.watching()
	eventually(t, "it is dialled", 10*time.Second, func() bool { return n.Load() == 2 })
}

// TestDailyCopyOfTheState can be put in the place of the state.
func TestDailyCopyOfTheState(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.deliver(0)
	r.drop("a.txt", "a")
	r.deliver(1)
	r.deliver(0)
	a := r.watching()
	r.drop("b.txt", "b")
	eventually(t, "the receipt", 10*time.Second, func() bool { return len(r.history()) == 2 })
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	copies := tree(t, filepath.Join(r.state, "backups"))
	name := time.Now().UTC().Format("dropferry-20060102.db")
	if _, ok := copies[name]; !ok || len(copies) != 1 {
		t.Fatalf("copies: %d, want %s", len(copies), name)
	}
	store := filepath.Join(r.state, "dropferry.db")
	for _, part := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(store + part); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	r.write(store, copies[name])
	if h := r.history(); len(h) != 1 || h[0].Path != "a.txt" {
		t.Errorf("history: %+v", h)
	}
	r.deliver(0) // what was sent since is recognised at the server
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a", "in/b.txt": "b"})
}
