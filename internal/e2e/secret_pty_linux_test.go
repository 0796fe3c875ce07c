package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echoes tells whether a terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// TestSecretIsTypedUnseen shows a prompt, and nothing of what a person types behind it.
func TestSecretIsTypedUnseen(t *testing.T) {
	t.Parallel()
	r, _ := passwordRig(t, "hunter2-hunter2", `{ credential = "acme-pass" }`)
	s := newScreen(t, 80, 24)
	r.stdin = s.terminal
	a := r.launch("-c", r.config, "secret", "set", "acme-pass")
	a.wait("acme-pass: ")
	eventually(t, "the terminal hides what is typed", 10*time.Second, func() bool { return !echoes(t, s.terminal) })
	if _, err := s.person.WriteString("hunter2-hunter2\n"); err != nil {
		t.Fatal(err)
	}
	<-a.done
	if got := tree(t, filepath.Join(r.state, "secrets"))["acme-pass"]; got != "hunter2-hunter2" {
		t.Errorf("stored is %q\n%s", got, a.text())
	}
	lacks(t, s.text(), "hunter2")
	if !echoes(t, s.terminal) {
		t.Error("the terminal is left without an echo")
	}
}

// TestInterruptWhereASecretIsTyped gives the terminal back as it was.
func TestInterruptWhereASecretIsTyped(t *testing.T) {
	t.Parallel()
	r, _ := passwordRig(t, "hunter2-hunter2", `{ credential = "acme-pass" }`)
	_, terminal := openTerminal(t)
	r.stdin = terminal
	a := r.launch("-c", r.config, "secret", "set", "acme-pass")
	a.wait("acme-pass: ")
	eventually(t, "the terminal hides what is typed", 10*time.Second, func() bool { return !echoes(t, terminal) })
	if code := a.signal(syscall.SIGINT); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	if !echoes(t, terminal) {
		t.Error("the terminal is left without an echo")
	}
	if got := tree(t, r.state); len(got) != 0 {
		t.Errorf("stored: %v", got)
	}
}
