package sftptest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// sftpServer is the name of OpenSSH's program for the sftp subsystem.
const sftpServer = "sftp-server"

// freePort returns a port of the loopback interface that nobody listens on just now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return portOf(l), l.Close()
}

func (s *SSHD) hostKeyFile(kind string) string { return filepath.Join(s.home, "host_"+kind) }

func (s *SSHD) kinds() []string {
	if len(s.options.HostKeys) == 0 {
		return []string{"ed25519"}
	}
	return s.options.HostKeys
}

// writeKeys makes host keys, and lets the client's key in.
func (s *SSHD) writeKeys() error {
	s.Fingerprints = nil
	for _, kind := range s.kinds() {
		key, err := NewKey(kind)
		if err != nil {
			return err
		}
		if err := key.Write(s.hostKeyFile(kind)); err != nil {
			return err
		}
		public := ssh.MarshalAuthorizedKey(key.Signer.PublicKey())
		if err := os.WriteFile(s.hostKeyFile(kind)+".pub", public, 0o644); err != nil {
			return err
		}
		s.Fingerprints = append(s.Fingerprints, key.Fingerprint())
	}
	return os.WriteFile(filepath.Join(s.home, "authorized_keys"), ssh.MarshalAuthorizedKey(s.public), 0o600)
}

func (s *SSHD) writeKnownHosts() error {
	var lines bytes.Buffer
	for _, kind := range s.kinds() {
		public, err := os.ReadFile(s.hostKeyFile(kind) + ".pub")
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "[%s]:%d %s", s.Host, s.Port, public)
	}
	return os.WriteFile(s.KnownHosts, lines.Bytes(), 0o600)
}

// penalties is a line for OpenSSH 9.8 and later, which shut out an address for a while after failed logins.
const penalties = "PerSourcePenalties no"

// isPenalties tells whether a line is of those that an older OpenSSH does not know.
func isPenalties(line string) bool { return strings.HasPrefix(line, "PerSourcePenalties ") }

var privsepMissing = regexp.MustCompile(`Missing privilege separation directory: (\S+)`)

// judged holds, for each configuration that sshd has taken from this process, whether without the line about penalties. Hundreds of
// servers differ by port and directory alone, and to ask costs as much as a connection.
var judged sync.Map

// configure writes sshd_config and lets sshd itself judge it, once.
func (s *SSHD) configure() error {
	lines, err := s.configLines()
	if err != nil {
		return err
	}
	name := filepath.Join(s.home, "sshd_config")
	o := s.options
	alike := fmt.Sprint(s.kinds(), o.Config, o.NoExec, o.Subsystem, o.External, o.Env, o.PAM != nil)
	if older, is := judged.Load(alike); is {
		if older.(bool) {
			lines = slices.DeleteFunc(lines, isPenalties)
		}
		return os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
	}
	for range 3 {
		if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return err
		}
		out, err := exec.Command(s.program, "-t", "-f", name).CombinedOutput()
		if err == nil {
			judged.Store(alike, !slices.ContainsFunc(lines, isPenalties))
			return nil
		}
		missing := privsepMissing.FindSubmatch(out)
		switch {
		case missing != nil: // systems make it when the service starts, for root's sshd alone
			if err := os.MkdirAll(string(missing[1]), 0o755); err != nil {
				return err
			}
		case bytes.Contains(out, []byte("PerSourcePenalties")) && slices.ContainsFunc(lines, isPenalties):
			lines = slices.DeleteFunc(lines, isPenalties)
		default:
			return fmt.Errorf("sshd -t: %w: %s", err, bytes.TrimSpace(out))
		}
	}
	return errors.New("sshd -t: refuses each configuration")
}

// configLines puts the caller's lines first, since the first value counts, but for its Match blocks: those reach to the
// next Match or the end.
func (s *SSHD) configLines() ([]string, error) {
	own, match := s.options.Config, []string(nil)
	if i := slices.IndexFunc(own, func(l string) bool { return strings.HasPrefix(l, "Match ") }); i >= 0 {
		own, match = own[:i:i], own[i:]
	}
	if s.options.PAM != nil {
		own = append(slices.Clip(own), s.options.PAM.config()...)
	}
	subsystem := cmp.Or(s.options.Subsystem, "internal-sftp")
	if s.options.External {
		var err error
		if subsystem, err = findSFTPServer(); err != nil {
			return nil, err
		}
	}
	lines := slices.Concat(own, []string{
		fmt.Sprintf("Port %d", s.Port),
		"ListenAddress " + s.Host,
		"PidFile " + filepath.Join(s.home, "sshd.pid"),
		"AuthorizedKeysFile " + filepath.Join(s.home, "authorized_keys"),
		"StrictModes no",
		"UsePAM no",
		"PasswordAuthentication no",
		"ChallengeResponseAuthentication no",
		"UseDNS no",
		"PrintMotd no",
		"MaxStartups 1000",
		"MaxSessions 100",
		"LoginGraceTime 20",
		"LogLevel VERBOSE",
		penalties,
	})
	if !slices.ContainsFunc(own, func(l string) bool { return strings.HasPrefix(l, "Subsystem ") }) {
		lines = append(lines, "Subsystem sftp "+subsystem) // the one keyword that may not stand twice
	}
	for _, kind := range s.kinds() {
		lines = append(lines, "HostKey "+s.hostKeyFile(kind))
	}
	if os.Geteuid() == 0 {
		lines = append(lines, "PermitRootLogin prohibit-password")
	}
	if s.options.NoExec {
		lines = append(lines, "ForceCommand "+subsystem)
	}
	// A home without a profile: bash reads ~/.bashrc when sshd starts it, and what stands there on a developer's machine
	// can take a minute when many sessions start at once.
	env := append([]string{"HOME=" + s.home}, s.options.Env...)
	for i, e := range env {
		env[i] = `"` + e + `"`
	}
	lines = append(lines, "SetEnv "+strings.Join(env, " "))
	return append(lines, match...), nil
}
