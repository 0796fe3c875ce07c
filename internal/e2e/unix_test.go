//go:build unix

package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// nobody is an account without rights of its own.
const nobody = 65534

// asNobody makes the rig's processes run without root's rights, and gives them what they need to own. Not for root, they
// have none anyway.
func (r *rig) asNobody(owned ...string) {
	r.t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(filepath.Dir(r.dir), 0o755); err != nil { // made by testing, for its own account
		r.t.Fatal(err)
	}
	r.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	for _, name := range owned {
		give(r.t, name)
	}
}

// give gives a file or tree to nobody, if we are root and may.
func give(t *testing.T, name string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	err := filepath.WalkDir(name, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, nobody, nobody)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// chmod changes a mode and changes it back at the end, so that the test's directories can be removed.
func chmod(t *testing.T, name string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(name, info.Mode()) }) // it may be gone
}

// TestCommandsOfAStranger say who may ask the agent, whether one runs or not.
func TestCommandsOfAStranger(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can be somebody else")
	}
	r := newRig(t, `to = ["acme:in"]`)
	a := r.watching()
	r.asNobody()
	chmod(t, r.config, 0o644)
	ask := func() {
		t.Helper()
		for _, args := range [][]string{{"status"}, {"history"}, {"reload"}, {"pause", "folder:outbox"}, {"page"}} {
			contains(t, r.expect(1, args...).stderr, "permission denied", "only the account that the agent runs as may ask it", "type sudo before it")
		}
	}
	ask()
	r.attr = nil
	a.stop()
	r.asNobody()
	ask()
}
