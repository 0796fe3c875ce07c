package sftptest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// StartDropbear starts dropbear, which has OpenSSH's sftp-server for SFTP, and runs commands.
func StartDropbear(tb TB, o ProductOptions) *Product {
	tb.Helper()
	return recipe{
		name: "dropbear", program: "dropbear", install: "dropbear-bin and openssh-sftp-server",
		banner: "SSH-2.0-dropbear", version: []string{"-V"}, tells: regexp.MustCompile(`Dropbear v(\S+)`),
		root: true, arguments: (*Product).dropbear, adapt: (*Product).withHome,
	}.start(tb, o)
}

// dropbear turns the host key into a form of dropbear's own.
func (p *Product) dropbear() ([]string, error) {
	own := filepath.Join(p.home, "dropbear_key")
	convert, err := exec.LookPath("dropbearconvert")
	if err != nil {
		convert = "/usr/lib/dropbear/dropbearconvert"
	}
	if _, err := os.Stat(own); err != nil {
		if out, err := exec.Command(convert, "openssh", "dropbear", p.hostKey, own).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", convert, err, out)
		}
	}
	return append([]string{"-F", "-E", "-r", own, "-p", p.Host + ":" + strconv.Itoa(p.Port), "-P", filepath.Join(p.home, "pid")}, p.options.Config...), nil
}

// withHome gives the account a home of the server's own, where dropbear looks for the keys that may log in.
func (p *Product) withHome(cmd *exec.Cmd) error {
	keys := filepath.Join(p.home, ".ssh")
	if err := os.MkdirAll(keys, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(keys, "authorized_keys"), ssh.MarshalAuthorizedKey(p.public), 0o600); err != nil {
		return err
	}
	text, err := os.ReadFile(passwdFile)
	if err != nil {
		return err
	}
	return under(cmd, p.home, passwdFile, withField(string(text), p.User, homeField, p.home))
}
