package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// through is a target that is reached through others, the nearest first.
func through(t Target, jumps ...Target) Target {
	t.Jump = jumps
	return t
}

// bastion is an account on a real sshd that others are reached through.
func bastion(t *testing.T, name string, o sftptest.SSHDOptions) (*sftptest.SSHD, Target) {
	t.Helper()
	s := sftptest.StartSSHD(t, o)
	target := sshdTarget(s)
	target.Name = name
	return s, target
}

func TestThroughJumpHosts(t *testing.T) {
	t.Parallel()
	outer, first := bastion(t, "outer", sftptest.SSHDOptions{NoExec: true})
	inner, second := bastion(t, "inner", sftptest.SSHDOptions{})
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	target := through(sshdTarget(sshd), first, second)
	target.PinnedKeys = sshd.Fingerprints[2:] // of the kind that is asked for last
	s := mustProbe(t, target)
	content := random(3 << 20)
	mustUpload(t, s, target.Path("whole"), content)
	holds(t, content, sshd.Dir, "whole")
	if s.HostKey() != sshd.Fingerprints[2] {
		t.Errorf("host key %s, want that of the server behind", s.HostKey())
	}
	for _, hop := range []*sftptest.SSHD{outer, inner} {
		if n := strings.Count(hop.Log(), "Accepted publickey"); n != 1 {
			t.Errorf("%d logins at a jump host, want one for all dials", n)
		}
	}
	received, sent := s.Traffic()
	if sent < int64(len(content)) || received == 0 {
		t.Errorf("traffic %d and %d bytes", received, sent)
	}
	inner.KillSessions()
	wantDead(t, s, "jump host inner closed the connection")
}

// A jump host that nobody but the one before it can reach is asked for by its own account and its own key.
func TestJumpHostsThatDoNotLetUsIn(t *testing.T) {
	t.Parallel()
	_, good := bastion(t, "bastion", sftptest.SSHDOptions{})
	_, closed := bastion(t, "bastion", sftptest.SSHDOptions{Config: []string{"AllowTcpForwarding no"}})
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	for name, test := range map[string]struct {
		change func(*Target)
		kind   Kind
		parts  []string
	}{
		"a key that it does not know": {
			func(j *Target) { j.KeyFile = keyFile(t, newKey(t, "ed25519").PEM) }, Auth,
			[]string{"connect acme: jump host bastion: the server refused publickey of", "check user, key_file and password of destination bastion"},
		},
		"a key that is not there": {
			func(j *Target) { j.KeyFile = "/none/key" }, Auth, []string{"connect acme: jump host bastion: ", "/none/key"},
		},
		"an unknown host key": {
			func(j *Target) { j.PinnedKeys = nil }, HostKey, []string{"jump host bastion: the host key of", "is not known", "dropferry trust bastion"},
		},
		"another host key": {
			func(j *Target) { j.PinnedKeys = []string{"SHA256:" + strings.Repeat("A", 43)} }, HostKey,
			[]string{"jump host bastion: the host key of", "is not the expected one", `host_key of destination "bastion"`},
		},
		"no forwarding": {
			func(j *Target) { *j = closed }, Transient, []string{"jump host bastion does not let the account connect further, to " + server.Addr(), "AllowTcpForwarding"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			jump := good
			test.change(&jump)
			_, err := Dial(t.Context(), through(serverTarget(server), jump))
			wantError(t, err, test.kind, test.parts...)
			if got := BehindLogin(err); got != (name == "no forwarding") {
				t.Errorf("behind a login: %t", got)
			}
			if _, err := HostKeys(t.Context(), through(serverTarget(server), jump)); name != "no forwarding" {
				wantError(t, err, test.kind, "jump host bastion: ")
			}
		})
	}
	t.Cleanup(func() {
		if n := server.Stats().Connections; n != 0 {
			t.Errorf("the server behind saw %d connections", n)
		}
	})
}

func TestServerBehindAJumpHost(t *testing.T) {
	t.Parallel()
	_, jump := bastion(t, "bastion", sftptest.SSHDOptions{})
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	target := through(serverTarget(server), jump)
	keys, err := HostKeys(t.Context(), target)
	if err != nil || len(keys) != 1 || keys[0].Fingerprint != server.Fingerprint() {
		t.Errorf("%v, %v, want the key of the server behind", keys, err)
	}
	if key, err := Login(t.Context(), target); err != nil || key.Fingerprint != server.Fingerprint() {
		t.Errorf("%v, %v, want a login at the server behind", key, err)
	}
	other := target
	other.KeyFile = keyFile(t, newKey(t, "ed25519").PEM)
	_, err = Dial(t.Context(), other)
	wantError(t, err, Auth, "connect acme: the server refused publickey of", "check user, key_file and password; ")
	if strings.Contains(err.Error(), "bastion") || !BehindLogin(err) {
		t.Errorf("the jump host is blamed, or has let nobody in: %v", err)
	}
	other = target
	other.PinnedKeys = nil
	_, err = Dial(t.Context(), other)
	wantError(t, err, HostKey, "the host key of "+server.Addr()+" is not known", "dropferry trust acme")
	if !BehindLogin(err) {
		t.Errorf("the jump host has let us in: %v", err)
	}
	if !BehindLogin(err) {
		t.Errorf("the jump host has let us in: %v", err)
	}

	if err := CheckSecrets(target); err != nil {
		t.Error(err)
	}
	other = target
	other.Jump = []Target{jump}
	other.Jump[0].KeyFile = "/none/key"
	wantError(t, CheckSecrets(other), Auth, "jump host bastion: ", "/none/key")

	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	target.Jump = []Target{jump}
	_, err = Dial(t.Context(), target)
	wantError(t, err, Transient, "jump host bastion cannot reach "+server.Addr())
}

// Silence is found wherever it is, before the login and after it.
func TestSilenceOnAWayThroughAJumpHost(t *testing.T) {
	t.Parallel()
	for name, pick := range map[string]func(toJump, beyond *sftptest.Wire) *sftptest.Wire{
		"to the jump host": func(w, _ *sftptest.Wire) *sftptest.Wire { return w },
		"beyond it":        func(_, w *sftptest.Wire) *sftptest.Wire { return w },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd, jump := bastion(t, "bastion", sftptest.SSHDOptions{})
			server := sftptest.StartServer(t, sftptest.ServerOptions{})
			toJump, beyond := sftptest.StartWire(t, sshd.Addr), sftptest.StartWire(t, server.Addr())
			wire := pick(toJump, beyond)
			jump.Host, jump.Port = toJump.Host(), toJump.Port()
			target := through(over(beyond, serverTarget(server)), jump)
			target.StallTimeout = 3 * time.Second // a machine may pause for a second
			s := mustDial(t, target)
			done := uploading(t, s, "endless", 1<<20)
			wire.Blackhole(true)
			wantError(t, soon(t, "the end of the upload", done), Transient)
			wantDead(t, s)

			target.ConnectTimeout = brief
			_, err := Dial(t.Context(), target)
			wantError(t, err, Transient, "not connected within 500ms (connect_timeout)")
			target.ConnectTimeout, target.Jump[0].ConnectTimeout = patience, brief // its own holds too
			if wire == toJump {
				_, err = Dial(t.Context(), target)
				wantError(t, err, Transient, "connect acme: jump host bastion: not connected within 500ms")
			}
		})
	}
}

// The way to a server can be cut at any step.
func TestAWayThatIsCutOff(t *testing.T) {
	t.Parallel()
	sshd, jump := bastion(t, "bastion", sftptest.SSHDOptions{})
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	wire := sftptest.StartWire(t, sshd.Addr)
	jump.Host, jump.Port = wire.Host(), wire.Port()
	target := through(serverTarget(server), jump)
	s, err := Dial(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	whole, _, _ := wire.Stats()
	for n := int64(0); n < whole; n += max(whole/8, 1) {
		cut := wire.CutAfter(n)
		if s, err := Dial(t.Context(), target); err == nil {
			soon(t, "the cut", cut) // its bytes differ a little from dial to dial
			s.Close()
		} else {
			wantError(t, err, Transient, "connect acme: ")
		}
	}
	wire.CutAfter(-1)
	mustDial(t, target)
}
