package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
	"github.com/dropferry/dropferry/state"
)

// TestOnceExitCodes gives the one cause that stopped everything its code.
func TestOnceExitCodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		table func(r *rig) string
		code  int
		event string
		want  []string
	}{
		{
			"authentication", func(r *rig) string { return replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")) }, 12, "blocked",
			[]string{"check user, key_file and password"},
		},
		{
			"key file missing", func(r *rig) string { return replaced(t, r.acme(), r.sshd.KeyFile, r.at("nowhere")) }, 12, "blocked",
			[]string{"nowhere", "no such file"},
		},
		{"host key", func(r *rig) string { return r.stranger() }, 13, "blocked", []string{"is not known", " trust acme"}},
		{"refused", func(r *rig) string { return r.dead("acme") }, 14, "lost", []string{"connection refused"}},
		{"silent", func(r *rig) string {
			w := sftptest.StartWire(t, r.sshd.Addr)
			w.Blackhole(true)
			return sftptest.Through(w, replaced(t, replaced(t, r.acme(), patient, hasty), `connect_timeout = "6s"`, `connect_timeout = "500ms"`))
		}, 14, "lost", []string{"connect_timeout", "500ms"}},
		{
			"root missing", func(r *rig) string { return replaced(t, r.acme(), r.sshd.Dir, r.sshd.Dir+"/missing") }, 14, "lost",
			[]string{"missing", "create it at the server"},
		},
		{"no SFTP", func(r *rig) string {
			r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"Subsystem sftp /bin/false"}})
			return r.acme()
		}, 14, "lost", []string{"acme"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, `to = ["acme:in"]`)
			r.outboxTo(c.table(r), `to = ["acme:in"]`)
			r.drop("a.txt", "a")
			all, summary := r.once(c.code)
			if summary.Delivered != 0 || summary.Failed != 1 {
				t.Errorf("summary: %+v", summary)
			}
			if !slices.ContainsFunc(all, func(e eventJSON) bool { return e.Type == c.event && e.Destination == "acme" && e.Error != "" }) {
				t.Errorf("events: %+v", all)
			}
			contains(t, r.expect(c.code, "once").text(), append(c.want, "1 not delivered")...)
			wantTree(t, r.sshd.Dir, map[string]string{})
			r.outboxTo(r.acme(), `to = ["acme:in"]`)
			if c.name != "no SFTP" {
				r.deliver(1)
			}
		})
	}
}

// TestOnceBesideAnotherAgent answers 11 and does nothing.
func TestOnceBesideAnotherAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	a := r.watching()
	contains(t, r.expect(11, "once").stderr, "another agent holds the state directory")
	contains(t, r.expect(11, "run").stderr, "another agent holds the state directory")
	if got := decode[map[string]any](t, r.expect(11, "once", "--json").stdout); got["type"] != "error" || got["code"] != 11.0 {
		t.Errorf("JSON: %v", got)
	}
	r.drop("a.txt", "a")
	a.wait("delivered")
	a.kill() // its lock ends with it
	r.deliver(0)
}

// TestRefusedLoginIsNotRepeated keeps `once` in cron from locking the account: a refused login binds the next runs, too,
// until the secret or the configuration changes.
func TestRefusedLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")), `to = ["acme"]`)
	r.drop("a.txt", "a")
	for range 3 {
		contains(t, r.expect(12, "once").text(), "check user, key_file and password")
	}
	if n := lines(r.sshd.Log(), "Failed publickey"); n != 1 {
		t.Errorf("%d attempts to log in: accounts lock", n)
	}
	r.outboxTo(r.acme(), `to = ["acme"]`)
	r.deliver(1)
}

// TestRunAfterAKilledAgent starts again where a killed agent has left its socket.
func TestRunAfterAKilledAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.watching().kill()
	contains(t, r.expect(0, "status").stdout, "is not running")
	a := r.watching()
	contains(t, r.expect(0, "status").stdout, "agent rig is running")
	if code := a.stop(); code != 0 || strings.Contains(a.text(), "cannot reach this agent") {
		t.Errorf("exit code %d", code)
	}
}

// TestRunWaitsForWhoHasTheStore for a moment, as commands do without an agent, and says so. To stop it meanwhile is no failure.
func TestRunWaitsForWhoHasTheStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	held, err := state.Open(t.Context(), r.state)
	if err != nil {
		t.Fatal(err)
	}
	a := r.start()
	a.wait("another process has the state")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	a = r.start()
	a.wait("another process has the state")
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	a.wait("folder watching")
	a.stop()
}
