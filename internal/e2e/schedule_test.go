package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// hoursAway is a schedule that opens in two hours, for one.
func hoursAway() string {
	hour := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("15:04") }
	return fmt.Sprintf("schedule = { timezone = \"UTC\", windows = [%q] }\n", hour(2*time.Hour)+"-"+hour(3*time.Hour))
}

// TestOutsideTheSchedule sends nothing, and says when it will: `once`, `status` with and without an agent, and `explain`.
// The destination beside it has its files.
func TestOutsideTheSchedule(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	other := replaced(t, r.acme(), `name = "acme"`, `name = "globex"`)
	r.outboxTo(r.acme()+hoursAway()+other, `to = ["acme:late", "globex:now"]`)
	r.drop("a.txt", "a")
	got := r.expect(3, "once")
	contains(t, got.stdout, "1 delivered", "1 not delivered, since their destination is outside its schedule")
	contains(t, got.stderr, "outside its schedule; it opens at ", "destination=acme")
	lacks(t, got.stderr, "WARN", "ERROR")
	wantTree(t, r.sshd.Dir, map[string]string{"now/a.txt": "a"})

	for _, o := range r.plan(0).Operations {
		if o.Destination != "acme" || o.Op != "hold" || o.Reason != "closed" || !strings.Contains(o.Detail, "it opens at ") {
			t.Errorf("plan: %+v", o)
		}
	}
	closed := func(when string) {
		t.Helper()
		s := r.status()
		for _, d := range s.Destinations {
			if d.Name != "acme" {
				continue
			}
			in := time.Duration(0)
			if d.NextAttempt != nil {
				in = time.Until(*d.NextAttempt)
			}
			if d.State != "closed" || !strings.Contains(d.Reason, "outside its schedule; it opens at ") || in < time.Hour || in > 2*time.Hour {
				t.Errorf("%s: %+v, in %v", when, d, in)
			}
		}
		if s.Folders[0].Parked+s.Folders[0].Held != 0 {
			t.Errorf("%s: %+v", when, s.Folders[0])
		}
	}
	closed("without an agent")
	running := r.watching()
	running.wait("files wait until the destination opens")
	closed("with an agent")
	for _, route := range r.explain(filepath.Join(r.outbox, "a.txt")).Routes {
		if route.Destination == "acme" && (!strings.Contains(route.Reason, "nothing is sent there now: outside its schedule") || route.NextAttempt == nil || route.Attempts != 0) {
			t.Errorf("explain: %+v", route)
		}
	}

	// A reload that lets it go at once.
	r.outboxTo(r.acme()+"schedule = { windows = [\"00:00-24:00\"] }\n"+other, `to = ["acme:late", "globex:now"]`)
	contains(t, r.expect(0, "reload").text(), "acme", "schedule")
	r.arrives("late/a.txt", "a")
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestScheduleOfAMirror counts what is to be removed there as not done, since the destination is closed.
func TestScheduleOfAMirror(t *testing.T) {
	t.Parallel()
	r := newRig(t, deleting)
	r.drop("a.txt", "a")
	r.drop("b.txt", "b")
	r.deliver(2)
	r.lose("b.txt")
	r.miss(0)
	r.outboxTo(r.acme()+hoursAway(), deleting)
	contains(t, r.expect(3, "once").stdout, "0 delivered", "outside its schedule")
	wantTree(t, r.inbox("copy"), map[string]string{"a.txt": "a", "b.txt": "b"})
}

// TestCheckConnectShowsTheProfile with what it was recognised by, and the reason for each choice.
func TestCheckConnectShowsTheProfile(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	contains(t, r.expect(0, "check", "--connect").stdout, "profile         openssh, by its banner: tried with the real OpenSSH")
	r.outboxTo(r.acme()+"profile = \"strict-mft\"\n", `to = ["acme"]`)
	contains(t, r.expect(0, "check", "--connect").stdout, "strict-mft, by the configuration", "at most 1 at once (profile strict-mft): one thing at a time",
		"not asked for (profile strict-mft)", "nothing hashes at the server")
	r.drop("a.txt", noise(100<<10))
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": noise(100 << 10)})

	aws := sftptest.StartServer(t, sftptest.ServerOptions{Banner: "SSH-2.0-AWS_SFTP_1.1"})
	r.outboxTo(aws.TOML("acme")+patient, `to = ["acme"]`)
	contains(t, r.expect(0, "check", "--connect").stdout, "aws-transfer, by its banner: from documentation, never tried", "S3 keeps no times")
}

// TestIdleServersThatClose makes no noise: the connection is made again when there is something to send.
func TestIdleServersThatClose(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	running := r.watching()
	for i := range 3 {
		name := fmt.Sprintf("%d.txt", i)
		r.drop(name, name)
		r.arrives(name, name)
		eventually(t, "the destination is idle", 20*time.Second, func() bool { return r.status().Destinations[0].State == "idle" })
		r.sshd.KillSessions()
		eventually(t, "the end is seen", 20*time.Second, func() bool { return !r.status().Destinations[0].Connected })
	}
	if d := r.status().Destinations[0]; d.State != "idle" || d.Reason != "" {
		t.Errorf("%+v", d)
	}
	lacks(t, running.text(), "WARN", "ERROR")
	if n := lines(running.text(), "msg=connected"); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
	if code := running.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
