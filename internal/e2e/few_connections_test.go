package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestFewConnections delivers to a server that takes few logins at a time, and shuts out who comes too often where it knows how
// (OpenSSH from 9.8 on). Two folders, checks and lost connections cost no more connections than it takes.
func TestFewConnections(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: []string{"ecdsa", "ed25519"}, Config: []string{
		"MaxStartups 3:100:3", "PerSourcePenalties yes",
	}})
	second := r.mkdir("second")
	r.configure(replaced(t, r.acme(), "host_key = ", "# ") + r.folder("outbox", r.outbox, `to = ["acme:in"]`) + r.folder("second", second, `to = ["acme:second"]`))
	const cuts = 3
	most := 1 // of the tests' own, to see that it answers
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	most += 3 // one for each kind of key
	r.expect(0, "check", "--connect")
	most++
	drop := func(round int) {
		for n := range 20 {
			r.drop(fmt.Sprintf("%d/%d.txt", round, n), fmt.Sprint(round, n))
			r.write(filepath.Join(second, fmt.Sprintf("%d/%d.txt", round, n)), fmt.Sprint(round, n))
		}
	}
	drop(0)
	r.expect(0, "once")
	most++
	a := r.watching()
	for round := 1; round <= 1+cuts; round++ {
		drop(round)
		r.arrives(fmt.Sprintf("in/%d/19.txt", round), fmt.Sprint(round, 19))
		r.arrives(fmt.Sprintf("second/%d/19.txt", round), fmt.Sprint(round, 19))
		r.quiet()
		most++
		if round <= cuts {
			r.sshd.KillSessions()
		}
	}
	a.stop()
	if n := strings.Count(r.sshd.Log(), "Connection from "); n > most {
		t.Errorf("%d connections, want %d at most", n, most)
	}
	for _, word := range []string{"drop connection", "MaxStartups", "penalty", "Failed "} {
		if strings.Contains(r.sshd.Log(), word) {
			t.Errorf("the server has shut somebody out: %s", word)
		}
	}
}
