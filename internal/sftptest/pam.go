package sftptest

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // what RFC 6238 has
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PAM has an SSHD ask for a password, and for a code besides, by a stack of PAM modules that is this server's alone. It takes
// root and Linux.
type PAM struct {
	Password string
	Secret   string // of the codes, in base32 as apps have it; "" where none is asked for. Code tells them
	// Apart has the password asked for by the method of that name, and the code alone by keyboard-interactive. Else both are asked
	// for by keyboard-interactive.
	Apart bool
}

const (
	pamFile   = "/etc/pam.d/sshd"
	pamModule = "pam_google_authenticator.so"
	codeStep  = 30 * time.Second
)

// Code returns the code of a time, by RFC 6238 with SHA-1 and six digits.
func (p *PAM) Code(at time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(p.Secret)
	if err != nil {
		return "", err
	}
	h := hmac.New(sha1.New, key)
	if err := binary.Write(h, binary.BigEndian, at.Unix()/int64(codeStep/time.Second)); err != nil {
		return "", err
	}
	sum := h.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&15:]) & (1<<31 - 1)
	return fmt.Sprintf("%06d", number%1e6), nil
}

// config are the lines for sshd_config. PermitRootLogin is there since the tests' account is root.
func (p *PAM) config() []string {
	return []string{"UsePAM yes", "KbdInteractiveAuthentication yes", "PermitRootLogin yes"}
}

// stack writes the programs that the stack runs to dir, and returns it, in the form of pam.d(5).
func (p *PAM) stack(dir string) (string, error) {
	right, asked, secret := filepath.Join(dir, "pam-password"), filepath.Join(dir, "pam-asked"), filepath.Join(dir, "pam-secret")
	err := errors.Join(
		// pam_exec gives the password with a NUL behind it.
		os.WriteFile(right, fmt.Appendf(nil, "#!/bin/sh\n[ \"$(tr -d '\\000')\" = '%s' ]\n", p.Password), 0o700),
		// OpenSSH tells PAM by which methods the account has proved itself so far.
		os.WriteFile(asked, []byte("#!/bin/sh\nprintf %s \"$SSH_AUTH_INFO_0\" | grep -q ^password\n"), 0o700),
		// The codes of five minutes before and after count: a machine may be slow.
		os.WriteFile(secret, fmt.Appendf(nil, "%s\n\" WINDOW_SIZE 21\n\" TOTP_AUTH\n", p.Secret), 0o600),
	)
	password := "pam_exec.so expose_authtok quiet " + right
	code := "auth required " + pamModule + " no_strict_owner noskewadj secret=" + secret
	var lines []string
	switch {
	case p.Secret == "":
		lines = []string{"auth required " + password}
	case p.Apart:
		lines = []string{"auth [success=1 default=ignore] pam_exec.so quiet " + asked, "auth [success=done default=die] " + password, code}
	default:
		lines = []string{"auth requisite " + password, code}
	}
	// pam_exec has no credentials to set; without a module that has, nobody is let in.
	lines = append(lines, "auth required pam_permit.so", "account required pam_permit.so", "session required pam_permit.so", "password required pam_deny.so", "")
	return strings.Join(lines, "\n"), err
}

// missing tells what the system lacks for it, with the packages that have it.
func (p *PAM) missing() error {
	if _, err := os.Stat(pamFile); err != nil {
		return fmt.Errorf("no %s: install openssh-server of Debian", pamFile)
	}
	if found, _ := filepath.Glob("/usr/lib/*/security/" + pamModule); p.Secret != "" && len(found) == 0 { // the pattern is right
		return fmt.Errorf("no %s: install libpam-google-authenticator", pamModule)
	}
	return nil
}
