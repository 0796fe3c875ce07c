package sftptest

import (
	"os"
	"strings"
	"testing"
)

func TestWithField(t *testing.T) {
	got := withField("root:x:0:0:root:/root:/bin/bash\nother:x:1:1::/:/bin/bash\nbad:line\nroot2:x:0:0::/:/bin/zsh", "root", shellField, "/bin/sh")
	want := "root:x:0:0:root:/root:/bin/sh\nother:x:1:1::/:/bin/bash\nbad:line\nroot2:x:0:0::/:/bin/zsh"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSSHDShell holds that the account has the shell in this server's sessions, and nowhere else.
func TestSSHDShell(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("another login shell needs root")
	}
	before, err := os.ReadFile("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	shell := "/bin/sh"
	s := StartSSHD(t, SSHDOptions{Shell: shell})
	run, err := s.login(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run.Output(`echo "$SHELL $0"`); err != nil || !strings.HasPrefix(string(out), shell+" ") || !strings.Contains(string(out), "sh\n") {
		t.Errorf("the shell is %q, %v", out, err)
	}
	after, err := os.ReadFile("/etc/passwd")
	if err != nil || string(after) != string(before) {
		t.Errorf("the account is changed for all: %v", err)
	}
}
