//go:build unix

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// readOnlyAccount returns a server's table for an account that cannot write to the server's root: nobody's where the
// server runs as root, whom no mode stops.
func readOnlyAccount(t *testing.T, sshd *sftptest.SSHD) string {
	t.Helper()
	table := sshd.TOML("acme") + patient
	if os.Geteuid() != 0 {
		chmod(t, sshd.Dir, 0o555)
		return table
	}
	home := filepath.Dir(sshd.KeyFile)
	for name, mode := range map[string]os.FileMode{
		filepath.Dir(home): 0o755, filepath.Join(home, "authorized_keys"): 0o644,
	} {
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	return replaced(t, table, fmt.Sprintf("user = %q", sshd.User), `user = "nobody"`)
}

func TestReadOnlyRoot(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.outboxTo(readOnlyAccount(t, r.sshd), `to = ["acme"]`)
	r.drop("a.txt", "a")
	contains(t, r.expect(14, "check", "--connect").stdout, "login", "FAILED", "permission denied", "hint: ask the server's owner for write permission")
	got := r.expect(14, "once")
	contains(t, got.text(), "permission denied", "write permission", "1 not delivered")
	wantTree(t, r.sshd.Dir, map[string]string{})
	wantTree(t, r.outbox, map[string]string{"a.txt": "a"})
}
