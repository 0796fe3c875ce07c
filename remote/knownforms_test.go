package remote

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestFormsOfKnownHosts reads what ssh and ssh-keygen write, and what people write by hand.
func TestFormsOfKnownHosts(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	plain := read(t, sshd.KnownHosts)
	_, key, _ := strings.Cut(strings.TrimSpace(plain), " ")
	hashed := write(t, plain)
	keygen(t, "-q", "-H", "-f", hashed)
	if strings.Contains(read(t, hashed), sshd.Host) {
		t.Fatal("ssh-keygen has not hashed the name")
	}
	other := ssh.MarshalAuthorizedKey(newKey(t, "ed25519").Signer.PublicKey())
	const newer = "ssh-mldsa-87@openssh.com" // a type that is not known here
	unknown := newer + " " + base64.StdEncoding.EncodeToString(append([]byte{0, 0, 0, byte(len(newer))}, newer+"key"...)) + "\n"
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"keys of a newer ssh":       {"other.example " + unknown + "@revoked * " + unknown + plain, true},
		"a newer key of it alone":   {fmt.Sprintf("[127.0.0.1]:%d %s", sshd.Port, unknown), false},
		"hashed":                    {read(t, hashed), true},
		"wildcards":                 {fmt.Sprintf("[127.0.*.?]:%d %s\n", sshd.Port, key), true},
		"several names":             {fmt.Sprintf("acme.example,[127.0.0.1]:%d %s\n", sshd.Port, key), true},
		"comments and blank lines":  {"# ours\n\n" + plain + "\n", true},
		"another port":              {fmt.Sprintf("[127.0.0.1]:%d %s\n", sshd.Port-1, key), false},
		"no port":                   {"127.0.0.1 " + key + "\n", false},
		"excluded":                  {fmt.Sprintf("[127.0.0.*]:%d,![127.0.0.1]:%d %s\n", sshd.Port, sshd.Port, key), false},
		"another key and the right": {fmt.Sprintf("[127.0.0.1]:%d %s%s", sshd.Port, other, plain), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), unpinned(sshd, write(t, test.text)))
			if !test.ok {
				wantError(t, err, HostKey, "is not known")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A server may prove itself with a certificate of an authority that is trusted for its name.
func TestCertificatesOfHosts(t *testing.T) {
	t.Parallel()
	ours, other := newAuthority(t), newAuthority(t)
	start := func(by *authority, principal, validity string) *sftptest.SSHD {
		t.Helper()
		host := newKey(t, "ed25519")
		file := keyFile(t, host.PEM)
		if err := os.WriteFile(file+".pub", ssh.MarshalAuthorizedKey(host.Signer.PublicKey()), 0o600); err != nil {
			t.Fatal(err)
		}
		keygen(t, "-q", "-h", "-s", by.file, "-I", "host", "-n", principal, "-V", validity, file+".pub")
		return sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"rsa"}, Config: []string{"HostKey " + file, "HostCertificate " + file + "-cert.pub"}})
	}
	good := start(ours, "127.0.0.1", "+1d")
	trusting := func(s *sftptest.SSHD, marker string, by *authority) string {
		return fmt.Sprintf("%s [127.0.0.*]:%d %s", marker, s.Port, ssh.MarshalAuthorizedKey(by.key.Signer.PublicKey()))
	}
	s := mustDial(t, unpinned(good, write(t, trusting(good, "@cert-authority", ours))))
	if out, err := exec.Command("ssh-keygen", "-lf", hostKeyFile(t, good)).Output(); err != nil || strings.Fields(string(out))[1] != s.HostKey() {
		t.Errorf("host key %s, want that of the certificate: %s, %v", s.HostKey(), out, err)
	}
	mustDial(t, unpinned(good, good.KnownHosts)) // by its plain key, of another type
	elsewhere, expired := start(ours, "192.0.2.1", "+1d"), start(ours, "127.0.0.1", "-2d:-1d")
	for name, test := range map[string]struct {
		server *sftptest.SSHD
		text   string
		part   string
	}{
		"another authority's":    {good, trusting(good, "@cert-authority", other), "host key"},
		"a revoked authority's":  {good, trusting(good, "@cert-authority", ours) + trusting(good, "@revoked", ours), "host key"},
		"one for another server": {elsewhere, trusting(elsewhere, "@cert-authority", ours), "principal"},
		"one that has expired":   {expired, trusting(expired, "@cert-authority", ours), "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), unpinned(test.server, write(t, test.text)))
			wantError(t, err, HostKey, test.part)
			if test.server != good && strings.Contains(test.server.Log(), "userauth") {
				t.Errorf("something was said of the account:\n%s", test.server.Log())
			}
		})
	}
}

// hostKeyFile returns the file of the certificate that a server was given.
func hostKeyFile(t *testing.T, s *sftptest.SSHD) string {
	t.Helper()
	for _, line := range s.Config() {
		if name, ok := strings.CutPrefix(line, "HostCertificate "); ok {
			return filepath.Clean(name)
		}
	}
	t.Fatal("it has no certificate")
	return ""
}
