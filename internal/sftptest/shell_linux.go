package sftptest

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// under has a server, and its sessions, see a text in the place of a file of the system, and nobody else: they get a view of the
// file system in which it says so. Mounting needs root; where it fails the server does not start, and its log has
// the reason. The text goes to dir.
func under(cmd *exec.Cmd, dir, file, text string) error {
	name := filepath.Join(dir, filepath.Base(file)+"-instead")
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		return err
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		return err
	}
	cmd.Args = append([]string{"sh", "-c", `mount --bind "$0" "$1" && shift && exec "$@"`, name, file, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = sh
	cmd.SysProcAttr.Unshareflags |= syscall.CLONE_NEWNS
	return nil
}
