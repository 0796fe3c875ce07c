package remote

import (
	"encoding/base64"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// FuzzKnownHosts reads whatever may stand in a known_hosts file: nothing panics, a key is never accepted that the file does
// not hold, nor one that a line revokes, and what `trust` writes is accepted whatever harmless lines stand before it.
func FuzzKnownHosts(f *testing.F) {
	signer, err := sftptest.NewKey("ed25519")
	if err != nil {
		f.Fatal(err)
	}
	public := signer.Signer.PublicKey()
	blob := base64.StdEncoding.EncodeToString(public.Marshal())
	const host = "sftp.example"
	addr := net.JoinHostPort(host, "2222")
	line := keyOf(public).Line(addr)
	for _, text := range []string{
		"", "# nothing\n", line + "\n", line + "\r\n", "\n\n" + line,
		knownhosts.HashHostname(knownhosts.Normalize(addr)) + " ssh-ed25519 " + blob + "\n",
		"@revoked * ssh-ed25519 " + blob + "\n" + line, "@cert-authority *.example ssh-ed25519 " + blob + "\n",
		"[*.example]:2222 ssh-ed25519 " + blob, "*.example,!sftp.example ssh-ed25519 " + blob,
		"[sftp.example]:2222 ssh-rsa " + blob, "[sftp.example]:2222 ssh-ed25519 AAAA\n", "[sftp.example]:2222", "|1|x|y ssh-ed25519 " + blob,
		"[sftp.example]:2222 ssh-ed25519 " + blob[:20] + "\n", strings.Repeat("a", 70_000) + "\n" + line, "\xff\xfe\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), "known_hosts")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		target := Target{Name: "acme", Host: host, Port: 2222, KnownHosts: []string{name}}
		if accepts(t, target, public) {
			if !strings.Contains(text, blob) {
				t.Errorf("a key was accepted that is not in %q", text)
			}
			for l := range strings.Lines(text) {
				if strings.HasPrefix(l, "@revoked * ssh-ed25519 "+blob) {
					t.Errorf("a revoked key was accepted: %q", text)
				}
			}
		}
		if _, err := target.policy(); err == nil && !strings.Contains(text, "@") && !strings.Contains(text, blob) {
			trusted := strings.TrimRight(text, "\r\n") + "\n" + line + "\n"
			if err := os.WriteFile(name, []byte(trusted), 0o600); err != nil {
				t.Fatal(err)
			}
			if !accepts(t, target, public) {
				t.Errorf("what trust writes is not accepted behind %q", text)
			}
		}
	})
}

// accepts tells whether the target's known_hosts file speaks for a key.
func accepts(t *testing.T, target Target, public ssh.PublicKey) bool {
	t.Helper()
	p, err := target.policy()
	if err != nil {
		if err.Error() == "" {
			t.Error("an error without words")
		}
		return false
	}
	if len(p.algorithms) == 0 {
		t.Error("no algorithm is left to ask for")
	}
	err = p.callback(target.Addr(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: target.Port}, public)
	return err == nil
}
