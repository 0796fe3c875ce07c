package remote

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// distant is a server at the end of a long line, to which a target has so many connections and channels on each.
func distant(t *testing.T, o sftptest.SSHDOptions, connections, channels int) (*sftptest.SSHD, *sftptest.Wire, Target) {
	t.Helper()
	sshd := sftptest.StartSSHD(t, o)
	wire := sftptest.StartWire(t, sshd.Addr)
	wire.SetDelay(60 * time.Millisecond)
	target := sshdTarget(sshd)
	target.Host, target.Port, target.Channels, target.Connections = wire.Host(), wire.Port(), channels, connections
	return sshd, wire, target
}

// knowing is a session that knows that further connections help.
func knowing(t *testing.T, target Target) *Session {
	t.Helper()
	s := mustProbe(t, target)
	s.worth.stage = stageWorth
	return s
}

func logins(s *sftptest.SSHD) int { return strings.Count(s.Log(), "Accepted publickey") }

// wide uploads a file that is large enough for several lanes, and proves it.
func wide(t *testing.T, s *Session, sshd *sftptest.SSHD, name string, size int) {
	t.Helper()
	content := random(size)
	sum, err := s.Upload(t.Context(), Upload{Temp: s.target.Path(name), Size: int64(len(content)), Proved: true}, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	holds(t, content, sshd.Dir, name)
	if _, evidence, err := s.Verify(t.Context(), s.target.Path(name), int64(len(content)), sum, Content); err != nil {
		t.Errorf("%v, %v", evidence, err)
	}
}

// opened waits until the session has so many lanes.
func opened(t *testing.T, s *Session, lanes int) {
	t.Helper()
	eventually(t, "the lanes are opened", func() bool { return s.countLanes() == lanes })
}

// TestSeveralConnections carry one large file, each by a way of its own; one connection is all there is where nothing large is
// sent.
func TestSeveralConnections(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		connections, channels int
		jump                  bool
	}{
		"three": {connections: 3, channels: 2}, "one": {connections: 1, channels: 2}, "two through a jump host": {connections: 2, channels: 1, jump: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd, wire, target := distant(t, sftptest.SSHDOptions{}, row.connections, row.channels)
			front := sshd
			if row.jump {
				var jump Target
				front, jump = bastion(t, "bastion", sftptest.SSHDOptions{NoExec: true})
				target = through(target, jump)
			}
			s := knowing(t, target)
			mustUpload(t, s, s.target.Path("small"), random(1000))
			if n := logins(sshd); n != 1 {
				t.Errorf("%d logins for a small file", n)
			}
			wide(t, s, sshd, "f.part", 24<<20+7)
			opened(t, s, row.connections*row.channels)
			if n := logins(front); n != row.connections {
				t.Errorf("%d logins, want %d", n, row.connections)
			}
			// Of one connection a machine that is busy may fill no more than one channel. What several are for is not asked of it.
			if c := s.Capabilities(); c.Stripes != stripesWork && (row.connections > 1 || c.Stripes != "") {
				t.Errorf("stripes %q", c.Stripes)
			}
			if _, sent := s.Traffic(); sent < 24<<20 {
				t.Errorf("traffic tells of %d bytes", sent)
			}
			further, _ := s.berths.further()
			if len(further) != row.connections-1 {
				t.Errorf("%d further connections", len(further))
			}
			if through, _, _ := wire.Stats(); through < 24<<20 {
				t.Errorf("%d bytes on the wire", through)
			}
			s.Close()
			for _, c := range further {
				select {
				case <-c.waited:
				default:
					t.Error("a further connection stands after the session's end")
				}
			}
		})
	}
}

// TestAPartOfTheLineForEachConnection is what several connections are for: what one of them does not carry the other one does. So
// they stay.
func TestAPartOfTheLineForEachConnection(t *testing.T) {
	t.Parallel()
	sshd, wire, target := distant(t, sftptest.SSHDOptions{}, 2, 2)
	wire.SetRate(2 << 20)
	s := mustProbe(t, target)
	second := sftptest.StartWire(t, sshd.Addr)
	second.SetDelay(60 * time.Millisecond)
	second.SetRate(2 << 20)
	s.target.Port = second.Port()
	wide(t, s, sshd, "f.part", 20<<20)
	first, _, _ := wire.Stats()
	beside, _, _ := second.Stats()
	if beside < 1<<20 {
		t.Errorf("of 20 MiB %d bytes went over the second connection, and %d over the first", beside, first)
	}
	if s.worth.stage == stageUseless || !s.Capabilities().ConnectionsUseless.IsZero() {
		t.Error("the second connection was given up")
	}
}

// TestConnectionsThatDoNotHelp are given up where all have one line, however short it is: they are closed when nothing is under way,
// and neither this session nor the next one makes them again.
func TestConnectionsThatDoNotHelp(t *testing.T) {
	t.Parallel()
	for range 3 { // a machine that stands still while it measures may see a gain
		sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
		wire := sftptest.StartWire(t, sshd.Addr)
		wire.SetRate(2 << 20)
		target := sshdTarget(sshd)
		target.Host, target.Port, target.Connections = wire.Host(), wire.Port(), 3
		s := mustProbe(t, target)
		wide(t, s, sshd, "f.part", 14<<20)
		if s.worth.stage != stageUseless {
			continue
		}
		if n := logins(sshd); n != 3 {
			t.Errorf("%d logins, want 3", n)
		}
		eventually(t, "they are closed", func() bool {
			there, gone := s.berths.further()
			return len(there) == 0 && len(gone) == 2 && isOver(gone[0].waited) && isOver(gone[1].waited)
		})
		wide(t, s, sshd, "g.part", 1<<20)
		if n := logins(sshd); n != 3 || s.Err() != nil || s.mostConnections() != 1 {
			t.Errorf("%d logins, want 3; %v", n, s.Err())
		}
		if learned, changed := (Capabilities{}).Learn(s.Capabilities()); !changed || learned.ConnectionsUseless.IsZero() {
			t.Error("the next session tries them again")
		}
		return
	}
	t.Error("further connections help where they cannot")
}

// TestOneChannelAConnection has each large file go over a connection of its own, where the server lets one channel be on each, so
// that nothing is hashed there and no file goes over two.
func TestOneChannelAConnection(t *testing.T) {
	t.Parallel()
	sshd, _, target := distant(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 1"}}, 3, 8)
	s := knowing(t, target)
	content := random(12 << 20)
	mustUpload(t, s, s.target.Path("first"), content)
	opened(t, s, 3)
	var sending sync.WaitGroup
	for _, name := range []string{"a", "b", "c"} {
		sending.Go(func() {
			if _, err := s.Upload(t.Context(), Upload{Temp: s.target.Path(name), Size: int64(len(content))}, bytes.NewReader(content)); err != nil {
				t.Error(err)
			}
		})
	}
	sending.Wait()
	for _, name := range []string{"first", "a", "b", "c"} {
		holds(t, content, sshd.Dir, name)
	}
	if n := logins(sshd); n != 3 {
		t.Errorf("%d logins, want 3", n)
	}
}

// TestFurtherConnectionIsRefused sends all over the one that there is, and asks once; so it does where it may not ask.
func TestFurtherConnectionIsRefused(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil func(s *Session, wire *sftptest.Wire)
		asked int // logins, of the first session
	}{
		"by the network":             {func(_ *Session, wire *sftptest.Wire) { wire.Refuse(true) }, 1},
		"by its host key":            {func(s *Session, _ *sftptest.Wire) { s.hostKey = "SHA256:of another server" }, 2},
		"by a code that counts once": {func(s *Session, _ *sftptest.Wire) { s.target.Answers = []Answer{{"*code*", secret("1")}} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd, wire, target := distant(t, sftptest.SSHDOptions{}, 3, 1)
			s := knowing(t, target)
			row.spoil(s, wire)
			wide(t, s, sshd, "f.part", 24<<20+7)
			wide(t, s, sshd, "g.part", 24<<20)
			eventually(t, "nothing is opened", func() bool {
				s.lanes.mu.Lock()
				defer s.lanes.mu.Unlock()
				return s.lanes.opening == nil
			})
			if n, m := logins(sshd), s.mostConnections(); n != row.asked || m != 1 || s.countLanes() != 1 {
				t.Errorf("%d logins, want %d; %d connections from now on, %d lanes", n, row.asked, m, s.countLanes())
			}
			known := Capabilities{}
			if learned, changed := known.Learn(s.Capabilities()); len(s.target.Answers) == 0 && (!changed || learned.ConnectionsRefused.IsZero()) {
				t.Error("the next session asks again")
			}
		})
	}
}

// TestFurtherConnectionIsLost ends the session, which the next one goes on from, whether it is cut or falls silent.
func TestFurtherConnectionIsLost(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(*sftptest.Wire){
		"cut":    func(w *sftptest.Wire) { w.CutAfter(0) },
		"silent": func(w *sftptest.Wire) { w.Blackhole(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd, _, target := distant(t, sftptest.SSHDOptions{}, 2, 1)
			target.Keepalive, target.StallTimeout = 500*time.Millisecond, 4*time.Second // a machine may pause for a second
			s := knowing(t, target)
			second := sftptest.StartWire(t, sshd.Addr)
			s.target.Port = second.Port()
			wide(t, s, sshd, "f.part", 24<<20+7)
			opened(t, s, 2)
			harm(second)
			wantDead(t, s)
		})
	}
}
