package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// withCode is an account that proves itself by a key, a password and the code of an app, in turn.
func withCode(t *testing.T) account {
	t.Helper()
	pam := &sftptest.PAM{Password: "open sesame", Secret: "JBSWY3DPEHPK3PXPJBSWY3DPEH", Apart: true}
	s := sftptest.StartSSHD(t, sftptest.SSHDOptions{PAM: pam, NoExec: true, Config: []string{
		"PasswordAuthentication yes", "AuthenticationMethods publickey,password,keyboard-interactive",
	}})
	code, err := pam.Code(time.Now()) // which counts for five minutes there
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	lines := fmt.Sprintf("password = { file = %q }\nanswers = [{ prompt = \"*code*\", file = %q }]\n",
		secretIn(t, dir, "password", pam.Password), secretIn(t, dir, "code", code))
	return account{addr: s.Addr, dir: s.Dir, toml: s.TOML("acme") + lines}
}

// withPassword is an account that has a password and nothing else, which the server asks for by keyboard-interactive.
func withPassword(t *testing.T) account {
	t.Helper()
	s := sftptest.StartSSHD(t, sftptest.SSHDOptions{PAM: &sftptest.PAM{Password: "open sesame"}, NoExec: true, Config: []string{
		"AuthenticationMethods keyboard-interactive",
	}})
	lines := fmt.Sprintf("password = { file = %q }\n", secretIn(t, t.TempDir(), "password", "open sesame"))
	return account{addr: s.Addr, dir: s.Dir, toml: replaced(t, s.TOML("acme"), "key_file = ", "# ") + lines}
}

func secretIn(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// withCertificate is an account whose key the server does not know: an authority has signed it, which the server does.
func withCertificate(t *testing.T) account {
	t.Helper()
	keygen := sftptest.Program(t, "ssh-keygen", "openssh-client")
	authority := filepath.Join(t.TempDir(), "authority")
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(keygen, args...).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	run("-q", "-t", "ed25519", "-N", "", "-f", authority)
	s := sftptest.StartSSHD(t, sftptest.SSHDOptions{NoExec: true, Config: []string{
		"TrustedUserCAKeys " + authority + ".pub", "AuthorizedKeysFile none",
	}})
	public, err := exec.Command(keygen, "-y", "-f", s.KeyFile).Output()
	if err == nil {
		err = os.WriteFile(s.KeyFile+".pub", public, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	run("-q", "-s", authority, "-I", "contoso", "-n", s.User, "-V", "+1d", s.KeyFile+".pub")
	return account{addr: s.Addr, dir: s.Dir, toml: s.TOML("acme")}
}
