package remote

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

var allKinds = []string{"ed25519", "ecdsa", "rsa"}

// unpinned is an account whose server is trusted by known_hosts files alone.
func unpinned(s *sftptest.SSHD, files ...string) Target {
	target := sshdTarget(s)
	target.PinnedKeys, target.KnownHosts = nil, files
	return target
}

// write writes a file of its own.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestKnownHosts(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	lines := strings.SplitAfter(read(t, sshd.KnownHosts), "\n")
	missing := filepath.Join(t.TempDir(), "none")
	tests := map[string][]string{
		"all known":              {sshd.KnownHosts},
		"a missing file besides": {missing, sshd.KnownHosts},
		"ed25519 alone":          {write(t, lines[0])},
		"ECDSA alone":            {write(t, lines[1])},
		"RSA alone":              {write(t, lines[2])},
		"in two files":           {write(t, "other.example "+strings.SplitN(lines[0], " ", 2)[1]), write(t, lines[2])},
	}
	for name, files := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := unpinned(sshd, files...)
			s := mustDial(t, target)
			if !slices.Contains(sshd.Fingerprints, s.HostKey()) {
				t.Errorf("host key %s is none of %v", s.HostKey(), sshd.Fingerprints)
			}
			known, err := target.Trusted()
			if err != nil || len(known) == 0 || !slices.ContainsFunc(known, func(k Key) bool { return k.Fingerprint == s.HostKey() }) {
				t.Errorf("trusted %v, %v, want %s among them", known, err, s.HostKey())
			}
		})
	}
}

func TestPinnedKeyOfAnyKind(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	for i, kind := range allKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			target := sshdTarget(sshd)
			target.PinnedKeys = []string{"SHA256:" + strings.Repeat("A", 43), sshd.Fingerprints[i]}
			if s := mustDial(t, target); s.HostKey() != sshd.Fingerprints[i] {
				t.Errorf("host key %s, want the pinned %s", s.HostKey(), sshd.Fingerprints[i])
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		target := sshdTarget(sshd)
		pinned := "SHA256:" + strings.Repeat("A", 43)
		target.PinnedKeys = []string{pinned}
		_, err := Dial(t.Context(), target)
		wantError(t, err, HostKey, append(slices.Clone(sshd.Fingerprints), "connect acme: the host key of "+sshd.Addr+" is not the expected one",
			"expected "+pinned, "change host_key of destination \"acme\"")...)
		var hostKey *HostKeyError
		if !errors.As(err, &hostKey) || len(hostKey.Got) != 3 || !hostKey.Pinned {
			t.Errorf("%+v, want the three keys that the server shows", hostKey)
		}
	})
}

// TestPinnedKeyIsAskedForFirst by all dials but the first, which has to find out of which kind it is.
func TestPinnedKeyIsAskedForFirst(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	target := sshdTarget(sshd)
	target.PinnedKeys = sshd.Fingerprints[len(allKinds)-1:]
	connections := func() int { return strings.Count(sshd.Log(), "Connection from ") }
	eventually(t, "it has told of the test's own look", func() bool { return connections() == 1 })
	for n, want := range []int{len(allKinds), 1, 1} {
		before := connections()
		mustDial(t, target)
		if got := connections() - before; got != want {
			t.Errorf("dial %d took %d connections, want %d", n, got, want)
		}
	}
}

func TestPinnedKeyOfAServerWithOneKind(t *testing.T) {
	t.Parallel()
	for _, kind := range allKinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{kind}})
			mustDial(t, sshdTarget(sshd))
			target := sshdTarget(sshd)
			target.PinnedKeys = []string{"SHA256:" + strings.Repeat("A", 43)}
			_, err := Dial(t.Context(), target)
			wantError(t, err, HostKey, sshd.Fingerprints[0])
		})
	}
}

func TestUnknownHostKey(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	other := write(t, "other.example "+strings.SplitN(read(t, sshd.KnownHosts), " ", 2)[1])
	for name, files := range map[string][]string{"no file": nil, "a missing file": {"/none/known_hosts"}, "another host": {other}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), unpinned(sshd, files...))
			wantError(t, err, HostKey, "the host key of "+sshd.Addr+" is not known; the server shows ssh-ed25519 "+sshd.Fingerprints[0],
				"then: dropferry trust acme")
			if strings.Contains(HintOf(err), "--replace") {
				t.Errorf("there is nothing to replace: %s", HintOf(err))
			}
		})
	}
	if log := sshd.Log(); strings.Contains(log, "publickey") {
		t.Errorf("something was said of the account:\n%s", log)
	}
}

// Where the configuration names the known_hosts file, no command writes it: the hint says what is to stand there.
func TestHintsOfHostKeys(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	line := strings.TrimSpace(read(t, sshd.KnownHosts))
	other := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	address := strings.Fields(line)[0]
	changed := write(t, address+" "+strings.SplitN(read(t, other.KnownHosts), " ", 2)[1])
	missing := "/none/known_hosts"
	for name, test := range map[string]struct {
		change func(*Target)
		want   string
	}{
		"trust":              {func(t *Target) { t.KnownHosts = []string{missing} }, "then: dropferry trust acme"},
		"trust, another key": {func(t *Target) { t.KnownHosts = []string{changed} }, "then: dropferry trust acme --replace"},
		"configured":         {func(t *Target) { t.KnownHosts, t.KeptByHand = []string{missing}, true }, "then add to " + missing + ": " + line},
		"configured, another key": {
			func(t *Target) { t.KnownHosts, t.KeptByHand = []string{changed}, true },
			"then replace the lines of " + sshd.Addr + " in " + changed + " by: " + line,
		},
		"pinned": {func(t *Target) { t.PinnedKeys = other.Fingerprints }, "then change host_key of destination \"acme\""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := unpinned(sshd)
			test.change(&target)
			_, err := Dial(t.Context(), target)
			wantError(t, err, HostKey, test.want)
			if (name != "trust" && name != "trust, another key") == strings.Contains(HintOf(err), "dropferry trust") {
				t.Errorf("the hint is %q", HintOf(err))
			}
		})
	}
}

func TestChangedHostKey(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, after []string }{
		"the same kind": {[]string{"ed25519"}, []string{"ed25519"}},
		"another kind":  {[]string{"rsa"}, []string{"ed25519"}},
		"several kinds": {allKinds, allKinds},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: test.before})
			old := write(t, read(t, sshd.KnownHosts))
			before := sshd.Fingerprints
			sshd.Stop()
			sshd.NewHostKeys(test.after...)
			sshd.Start()
			_, err := Dial(t.Context(), unpinned(sshd, old))
			wantError(t, err, HostKey, "is not the expected one", before[0], sshd.Fingerprints[0], "either it was changed, or somebody stands between",
				"then: dropferry trust acme --replace")
			mustDial(t, unpinned(sshd, sshd.KnownHosts))
		})
	}
}

func TestRevokedHostKey(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	known := read(t, sshd.KnownHosts)
	for name, text := range map[string]string{"alone": "@revoked " + known, "and known": known + "@revoked " + known} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), unpinned(sshd, write(t, text)))
			wantError(t, err, HostKey, "key is revoked", sshd.Fingerprints[0])
			if strings.Contains(HintOf(err), "dropferry trust") {
				t.Errorf("a revoked key is not to be trusted: %s", HintOf(err))
			}
		})
	}
}

func TestMalformedKnownHosts(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	file := write(t, "this is no line\n")
	_, err := Dial(t.Context(), unpinned(sshd, file))
	wantError(t, err, HostKey, "read known hosts", file+":1")
	target := unpinned(sshd, file)
	if _, err := target.Trusted(); err == nil {
		t.Error("a malformed file holds keys")
	}
}

func TestHostKeys(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: allKinds})
	target := unpinned(sshd)
	target.KeyFile = "/none" // nothing of the account is needed
	keys, err := HostKeys(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	var lines string
	for i, k := range keys {
		if i >= len(sshd.Fingerprints) || k.Fingerprint != sshd.Fingerprints[i] || !strings.HasPrefix(k.String(), k.Type+" SHA256:") {
			t.Errorf("key %d is %s, want %v", i, k, sshd.Fingerprints)
		}
		lines += k.Line(target.Addr()) + "\n"
	}
	mustDial(t, unpinned(sshd, write(t, lines))) // what was shown can be trusted
	if strings.Contains(sshd.Log(), "userauth") {
		t.Errorf("something was said of the account:\n%s", sshd.Log())
	}
	sshd.Stop()
	_, err = HostKeys(t.Context(), target)
	wantError(t, err, Transient, "connection refused")
}

func TestHostKeysOfOneKind(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"rsa"}})
	keys, err := HostKeys(t.Context(), unpinned(sshd))
	if err != nil || len(keys) != 1 || keys[0].Type != ssh.KeyAlgoRSA || keys[0].Fingerprint != sshd.Fingerprints[0] {
		t.Errorf("%v, %v, want the RSA key", keys, err)
	}
}

func TestNoCommonAlgorithm(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Algorithms: ssh.Config{KeyExchanges: []string{"diffie-hellman-group1-sha1"}}})
	_, err := Dial(t.Context(), serverTarget(server))
	wantError(t, err, Algorithms, "no common algorithm for key exchange", "diffie-hellman-group1-sha1", "curve25519-sha256", "ask its owner for a current SSH server")
	_, err = HostKeys(t.Context(), serverTarget(server))
	wantError(t, err, Algorithms)
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skipf("no IPv6 here: %v", err)
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	server := sftptest.StartServer(t, sftptest.ServerOptions{Listen: "[::1]:0"})
	for _, host := range []string{"::1", "[::1]"} {
		target := serverTarget(server)
		target.Host = host
		if target.Addr() != server.Addr() {
			t.Errorf("address %s, want %s", target.Addr(), server.Addr())
		}
		mustDial(t, target)
		keys, err := HostKeys(t.Context(), target)
		if err != nil || len(keys) != 1 {
			t.Fatalf("%v, %v, want one key", keys, err)
		}
		target.PinnedKeys, target.KnownHosts = nil, []string{write(t, keys[0].Line(target.Addr())+"\n")}
		mustDial(t, target)
		target.Port = 22
		target.KnownHosts = []string{write(t, keys[0].Line(target.Addr())+"\n")}
		if known, err := target.Trusted(); err != nil || len(known) != 1 {
			t.Errorf("port 22: trusted %v, %v, want the key", known, err)
		}
	}
}
