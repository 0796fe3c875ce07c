package syncer

import (
	"context"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// probes returns how often a server was probed: each one makes three files.
func probes(s *sftptest.TestServer) int {
	made := map[string]bool{}
	for _, c := range s.Faults.Trace() {
		if c.Op == sftptest.OpOpen && strings.Contains(c.Path, "dropferry-probe") {
			made[c.Path] = true
		}
	}
	return len(made) / 3
}

// TestEachServerIsProbedOnce has two servers of different software behind one address, as a load balancer does, and then a
// new version of one: what is known of the others stays.
func TestEachServerIsProbedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	servers := []*sftptest.TestServer{
		r.to("acme", sftptest.ServerOptions{Banner: "SSH-2.0-Seven_7"}),
		sftptest.StartServer(t, sftptest.ServerOptions{Banner: "SSH-2.0-Eight_8"}, sftptest.NoPosixRename()),
		sftptest.StartServer(t, sftptest.ServerOptions{Banner: "SSH-2.0-Seven_7.1"}, sftptest.NoPosixRename()),
	}
	for n, turn := range []int{0, 1, 0, 1, 1, 0, 2, 1, 2, 0} {
		s := servers[turn]
		r.options.Destinations[0].Dial = func(ctx context.Context) (Session, error) { return r.dialer("acme", s, s.Addr())(ctx) }
		name := string(rune('a' + n))
		r.drop(name, "content of "+name)
		r.deliver(name)
		r.arrived(s, name, "content of "+name)
		r.stop()
		if got := r.learned("acme"); got.PosixRename != (turn == 0) || got.Banner == "" || !strings.HasPrefix(got.Banner, "SSH-2.0-") {
			t.Errorf("delivery %d: what is known is of another server: %+v", n, got)
		}
	}
	for n, s := range servers {
		if got := probes(s); got != 1 {
			t.Errorf("server %d was probed %d times, want once", n, got)
		}
	}
}
