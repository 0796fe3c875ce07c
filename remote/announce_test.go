package remote

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// changing is a real server that shows its first key, and is going to change to the second.
func changing(t *testing.T) (s *sftptest.SSHD, now, next sftptest.Key) {
	t.Helper()
	now, next = newKey(t, "ed25519"), newKey(t, "ed25519")
	return sftptest.StartSSHD(t, sftptest.SSHDOptions{
		HostKeys: []string{"rsa"},
		Config:   []string{"HostKey " + keyFile(t, now.PEM), "HostKey " + keyFile(t, next.PEM)},
	}), now, next
}

func TestAnnouncedHostKeys(t *testing.T) {
	t.Parallel()
	sshd, now, next := changing(t)
	heard := make(chan []Key, 1)
	for name, change := range map[string]func(*Target){
		"pinned": func(t *Target) { t.PinnedKeys = []string{now.Fingerprint()} },
		"known": func(target *Target) {
			target.PinnedKeys, target.KnownHosts = nil, []string{write(t, keyOf(now.Signer.PublicKey()).Line(target.Addr())+"\n")}
		},
		"through a jump host": func(target *Target) {
			jump := *target
			jump.PinnedKeys = []string{now.Fingerprint()}
			jump.Announced = func(keys []Key) { heard <- keys } // and so does the jump host
			target.PinnedKeys, target.Jump = jump.PinnedKeys, []Target{jump}
		},
	} {
		target := sshdTarget(sshd)
		change(&target)
		target.Announced = func(keys []Key) { heard <- keys }
		s := mustDial(t, target)
		for range 1 + len(target.Jump) {
			var prints []string
			for _, k := range soon(t, name, heard) {
				prints = append(prints, k.Fingerprint)
			}
			if len(prints) != 3 || prints[0] != now.Fingerprint() || !strings.Contains(fmt.Sprint(prints), next.Fingerprint()) ||
				!strings.Contains(fmt.Sprint(prints), sshd.Fingerprints[0]) {
				t.Errorf("%s: heard %v", name, prints)
			}
		}
		mustUpload(t, s, target.Path("x"), []byte("it goes on"))
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	key := newKey(t, "ecdsa").Signer.PublicKey()
	text := func(b []byte) []byte { return ssh.Marshal(struct{ B []byte }{b}) }
	whole := append(text([]byte("of another kind")), text(key.Marshal())...)
	if got := parseKeys(whole); len(got) != 1 || got[0] != keyOf(got[0].public) || got[0].Fingerprint != ssh.FingerprintSHA256(key) {
		t.Errorf("%v", got)
	}
	for n := range whole {
		if got := parseKeys(whole[:n]); len(got) > 0 {
			t.Errorf("%d of %d bytes hold %v", n, len(whole), got)
		}
	}
}

func TestParseKnownKey(t *testing.T) {
	t.Parallel()
	target := Target{Host: "acme.example", Port: 2222}
	key := keyOf(newKey(t, "ed25519").Signer.PublicKey())
	host, got, ok := ParseKnownKey([]byte(key.Line(target.Addr()) + "\n"))
	if !ok || host != target.KnownAs() || got.Fingerprint != key.Fingerprint {
		t.Errorf("%s, %v, %v", host, got, ok)
	}
	for _, line := range []string{"", "# comment", "acme.example ssh-ed25519 AAAA", "a,b " + key.Line("c:22")[2:]} {
		if host, got, ok := ParseKnownKey([]byte(line)); ok {
			t.Errorf("%q: %s, %v", line, host, got)
		}
	}
}
