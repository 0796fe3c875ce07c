package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a new pseudo-terminal; see pty(7).
func openTerminal(t *testing.T) (person, terminal *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { _ = person.Close() }) // nothing was written to a file
	if err := unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("unlock the pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetUint32(int(person.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("name the pseudo-terminal: %v", err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("open the pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { _ = terminal.Close() })
	return person, terminal
}

// TestTrustAsksAPerson types the answer at a terminal.
func TestTrustAsksAPerson(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		answer string
		code   int
	}{{"yes\n", 0}, {"no\n", 1}, {"\n", 1}, {"\x04", 1}} {
		t.Run(fmt.Sprintf("%q", c.answer), func(t *testing.T) {
			t.Parallel()
			r := strangerRig(t)
			person, terminal := openTerminal(t)
			r.stdin = terminal
			a := r.launch("-c", r.config, "trust", "acme")
			a.wait("Type yes to accept it: ")
			contains(t, a.text(), "ssh-ed25519 "+r.sshd.Fingerprints[0])
			if r.trusted() != "" {
				t.Error("stored before the answer")
			}
			if _, err := person.WriteString(c.answer); err != nil {
				t.Fatal(err)
			}
			select {
			case <-a.done:
			case <-time.After(20 * time.Second):
				t.Fatal("the program waits on")
			}
			if code := a.command.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d\n%s", code, c.code, a.text())
			}
			if stored := strings.Contains(r.trusted(), "ssh-ed25519"); stored != (c.code == 0) {
				t.Errorf("stored: %s", r.trusted())
			}
		})
	}
}

// TestInterruptAtAPrompt ends the program that waits for an answer.
func TestInterruptAtAPrompt(t *testing.T) {
	t.Parallel()
	r := strangerRig(t)
	_, terminal := openTerminal(t)
	r.stdin = terminal
	a := r.launch("-c", r.config, "trust", "acme")
	a.wait("Type yes to accept it: ")
	if code := a.signal(syscall.SIGINT); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}
	if r.trusted() != "" {
		t.Error("stored")
	}
}
