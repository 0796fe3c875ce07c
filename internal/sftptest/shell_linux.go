package sftptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// underPasswd has a server, and its sessions, see text as the list of accounts, and nobody else: they get a view of the
// file system in which /etc/passwd says so. Mounting needs root; where it fails the server does not start, and its log has
// the reason. The file goes to dir.
func underPasswd(cmd *exec.Cmd, dir, text string) error {
	name := filepath.Join(dir, "passwd")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	cmd.Args = append([]string{"sh", "-c", `mount --bind "$0" ` + passwdFile + ` && exec "$@"`, name, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = sh
	cmd.SysProcAttr.Unshareflags |= syscall.CLONE_NEWNS
	return nil
}
