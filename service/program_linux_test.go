package service

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func TestSuitsAccount(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can try what others may run")
	}
	if _, err := user.Lookup("nobody"); err != nil {
		t.Skip(err)
	}
	home, err := os.MkdirTemp("/usr/local", "dropferry-test-") // not where temporary files lie
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	setup := Setup{Name: "dropferry@erp", Program: filepath.Join(home, "dropferry")}
	for _, c := range []struct {
		text string
		mode os.FileMode // of the directory
		want string      // "" is well
	}{
		{"#!/bin/sh\n[ \"$1\" = version ]\n", 0o755, ""},
		{"#!/bin/sh\n[ \"$1\" = version ]\n", 0o700, "permission denied"},
		{"#!/bin/sh\nexit 7\n", 0o755, "nobody cannot run it: exit code 7"},
	} {
		if err := os.WriteFile(setup.Program, []byte(c.text), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(home, c.mode); err != nil {
			t.Fatal(err)
		}
		err := suitsAccount(t.Context(), setup, "nobody")
		if c.want == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		for _, part := range []string{c.want, "install -m 755 " + setup.Program + " /usr/local/bin/dropferry`", "/usr/local/bin/dropferry service install --name dropferry@erp`"} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%04o: %v, and not %q", c.mode, err, part)
			}
		}
	}
	setup.Program = "/tmp/dropferry"
	if err := suitsAccount(t.Context(), setup, "nobody"); err == nil || !strings.Contains(err.Error(), "/tmp and a /var/tmp of its own") {
		t.Errorf("in /tmp: %v", err)
	}
}
