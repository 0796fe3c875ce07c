package sftptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// underShell gives the account another login shell, for sshd and its sessions alone: they get a view of the file system in
// which /etc/passwd says so. Mounting needs root; where it fails sshd does not start, and its log has the reason.
func (s *SSHD) underShell(cmd *exec.Cmd) error {
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	name := filepath.Join(s.home, "passwd")
	if err := os.WriteFile(name, []byte(withShell(string(text), s.User, s.options.Shell)), 0o644); err != nil {
		return err
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	cmd.Args = append([]string{"sh", "-c", `mount --bind "$0" /etc/passwd && exec "$@"`, name, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = sh
	cmd.SysProcAttr.Unshareflags |= syscall.CLONE_NEWNS
	return nil
}

// withShell returns a passwd file with another shell for one account; see passwd(5).
func withShell(passwd, user, shell string) string {
	var b strings.Builder
	for line := range strings.Lines(passwd) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), ":"); f[0] == user && len(f) == 7 {
			f[6] = shell
			line = strings.Join(f, ":") + "\n"
		}
		b.WriteString(line)
	}
	return b.String()
}
