package service

import (
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A directory of configurations is made for one account; another that comes later is told how it gets in, and nothing changes.
func TestConfigDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives directories away")
	}
	nobody, err := user.Lookup("nobody")
	if errors.Is(err, user.UnknownUserError("nobody")) {
		t.Skipf("no other account here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	root, err := user.Lookup("root")
	if err != nil {
		t.Fatal(err)
	}
	_, group, err := idsOf(nobody)
	if err != nil {
		t.Fatal(err)
	}
	looks := func(dir string, mode os.FileMode, gid int) {
		t.Helper()
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm() != mode || int(info.Sys().(*syscall.Stat_t).Gid) != gid {
			t.Errorf("%s: %v, %v", dir, info, err)
		}
	}
	first := filepath.Join(t.TempDir(), "first")
	for range 2 {
		if hint, err := makeConfigDirectory(first, nobody); err != nil || hint != "" {
			t.Errorf("%q, %v", hint, err)
		}
		looks(first, 0o750, group)
	}
	second := filepath.Join(t.TempDir(), "second")
	if hint, err := makeConfigDirectory(second, root); err != nil || hint != "" {
		t.Errorf("%q, %v", hint, err)
	}
	if hint, err := makeConfigDirectory(second, nobody); err != nil || !strings.Contains(hint, "`setfacl -m u:nobody:rx "+second+"`") {
		t.Errorf("%q, %v", hint, err)
	}
	looks(second, 0o750, 0)
	if err := os.Chown(second, 0, 1); err != nil {
		t.Fatal(err)
	}
	if hint, err := makeConfigDirectory(second, nobody); err != nil || !strings.Contains(hint, "usermod -a -G ") {
		t.Errorf("%q, %v", hint, err)
	}
	looks(second, 0o750, 1)
}
