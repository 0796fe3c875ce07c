package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestInitAsksAPerson for all that no flag gives, at a terminal.
func TestInitAsksAPerson(t *testing.T) {
	t.Parallel()
	r, args := initRig(t)
	s := newScreen(t, 120, 40)
	port, root := args[4], args[8]
	on := *r
	on.stdin, on.stdout, on.stderr = s.terminal, s.terminal, s.terminal
	a := on.launch("-c", r.config, "init", "--port", port, "--root", root)
	for _, step := range []struct{ question, answer string }{
		{"The server's name or address: ", "127.0.0.1"},
		{"The account there: ", args[6]},
		{"to be called here [127.0.0.1]: ", "acme"},
		{"Private key (made if it does not exist) [", r.sshd.KeyFile},
		{"files are to be sent: ", r.outbox},
		{"Type yes to accept it: ", "yes"},
		{"Deliver it, and remove it again? yes, keep (it stays there) or no [no]: ", "perhaps"},
		{"Deliver it, and remove it again? yes, keep (it stays there) or no [no]: ", "yes"},
	} {
		eventually(t, step.question, time.Minute, func() bool { return strings.Contains(s.text(), step.question) })
		if _, err := s.person.WriteString(step.answer + "\n"); err != nil {
			t.Fatal(err)
		}
	}
	<-a.done
	if code := a.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, s.text())
	}
	eventually(t, "it is written", time.Minute, func() bool { return strings.Contains(s.text(), "agent.toml is written.") })
	contains(t, s.text(), "ssh-ed25519 "+r.sshd.Fingerprints[0])
	contains(t, r.expect(0, "check", "--connect").stdout, "destination acme")
}
