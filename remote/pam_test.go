package remote

import (
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// codeSecret is of the codes that the tests' servers ask for.
const codeSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEH"

// withPAM is a real sshd that asks for more than a key, and the account's target without what it asks for.
func withPAM(t *testing.T, p *sftptest.PAM, methods string) (*sftptest.SSHD, Target) {
	t.Helper()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{PAM: p, Config: []string{"PasswordAuthentication yes", "AuthenticationMethods " + methods}})
	return sshd, sshdTarget(sshd)
}

func codeOf(p *sftptest.PAM) func() (string, error) {
	return func() (string, error) { return p.Code(time.Now()) }
}

// failures counts the attempts that sshd takes for failed, once it has seen the end of so many refused logins.
func failures(t *testing.T, s *sftptest.SSHD, refused int) int {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		failed, ends := 0, 0
		for line := range strings.Lines(s.Log()) {
			switch {
			case strings.HasPrefix(line, "Failed "):
				failed++
			case strings.Contains(line, "authenticating user") && strings.Contains(line, "[preauth]"):
				ends++
			}
		}
		if ends >= refused {
			return failed
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d refused logins, want %d:\n%s", ends, refused, s.Log())
		}
		time.Sleep(10 * time.Millisecond) // no event tells what sshd has written
	}
}

// TestPasswordsByPAM are given by whichever method the real server asks for, and tried once where they are wrong.
func TestPasswordsByPAM(t *testing.T) {
	t.Parallel()
	for _, methods := range []string{"password", "keyboard-interactive", "password keyboard-interactive", "publickey,password", "publickey,keyboard-interactive:pam"} {
		t.Run(methods, func(t *testing.T) {
			t.Parallel()
			sshd, target := withPAM(t, &sftptest.PAM{Password: "open sesame"}, methods)
			if !strings.HasPrefix(methods, "publickey") {
				target.KeyFile = ""
			}
			target.Password = secret("open sesame")
			mustDial(t, target)
			if n := failures(t, sshd, 0); n != 0 {
				t.Errorf("%d attempts failed before:\n%s", n, sshd.Log())
			}
			target.Password = secret("wrong")
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, "refused")
			if n := failures(t, sshd, 1); n != 1 {
				t.Errorf("a wrong password was tried %d times:\n%s", n, sshd.Log())
			}
		})
	}
}

// TestCodesByPAM proves an account by its key, its password and the code of an app, as a real server wants them.
func TestCodesByPAM(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		apart   bool
		methods string
	}{
		"key, password and code in turn":     {true, "publickey,password,keyboard-interactive"},
		"key, and password and code at once": {false, "publickey,keyboard-interactive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &sftptest.PAM{Password: "open sesame", Secret: codeSecret, Apart: row.apart}
			sshd, target := withPAM(t, p, row.methods)
			target.Password = secret("open sesame")
			_, err := Dial(t.Context(), target)
			wantError(t, err, Auth, `the server asks "Verification code:"`, `answers = [{ prompt = "Verification code:", file = "FILE" }]`)
			target.Answers = []Answer{{"*code*", codeOf(p)}}
			mustDial(t, target)
			target.Answers = []Answer{{"*code*", secret("000000")}}
			_, err = Dial(t.Context(), target)
			wantError(t, err, Auth, "the server accepted publickey", "and then refused keyboard-interactive")
			if n := failures(t, sshd, 2); n != 1 {
				t.Errorf("a wrong code was tried %d times:\n%s", n, sshd.Log())
			}
		})
	}
}
