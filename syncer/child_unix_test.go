//go:build unix

package syncer

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// runAs runs a copy of this binary as another account: the original lies where that cannot read.
func runAs(t *testing.T, uid uint32, dir string) ([]byte, error) {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skipf("this binary cannot be found: %v", err)
	}
	binary := filepath.Join(dir, "child.test")
	if err := os.WriteFile(binary, self, 0o755); err != nil {
		return nil, err
	}
	c := exec.CommandContext(t.Context(), binary, "-test.run=^$")
	c.Dir = filepath.Join(dir, "work")
	c.Env = []string{childVariable + "=" + dir, "TMPDIR=" + c.Dir}
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return c.CombinedOutput()
}
