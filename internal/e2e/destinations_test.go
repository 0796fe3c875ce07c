package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// twoRig has one outbox with two destinations at servers of their own.
func twoRig(t *testing.T, lines string) (r *rig, second *sftptest.SSHD) {
	t.Helper()
	r = bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	second = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.outboxTo(r.acme()+second.TOML("second")+patient, lines+"to = [\"acme:in\", \"second:{yyyy}/{name}\"]")
	return r, second
}

// TestTwoDestinations archives a file when both have it, and not before.
func TestTwoDestinations(t *testing.T) {
	t.Parallel()
	r, second := twoRig(t, "after = \"archive\"\narchive = \"archive\"\n")
	year := time.Now().UTC().Format("2006")
	second.Stop()
	r.drop("a.txt", "a")
	all, summary := r.once(3)
	if summary.Delivered != 1 || summary.Failed != 1 || summary.Kept != 0 {
		t.Errorf("summary: %+v", summary)
	}
	for _, e := range all {
		if e.Type == "archived" {
			t.Error("archived before both have it")
		}
	}
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a"})
	wantTree(t, r.outbox, map[string]string{"a.txt": "a"})
	e := r.explain(r.at("outbox/a.txt"))
	if len(e.Routes) != 2 || e.Routes[0].State != "delivered" || e.Routes[1].State == "delivered" || e.State == "delivered" {
		t.Errorf("explain: %+v", e)
	}

	r.drop("b.txt", "b") // the outage holds nothing up
	r.once(3)
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a", "in/b.txt": "b"})

	second.Start()
	r.deliver(2)
	wantTree(t, second.Dir, map[string]string{year + "/a.txt": "a", year + "/b.txt": "b"})
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a", "in/b.txt": "b"})
	wantTree(t, r.outbox, map[string]string{})
	wantTree(t, r.archive, map[string]string{"a.txt": "a", "b.txt": "b"})
	if n := len(r.history()); n != 4 {
		t.Errorf("%d receipts, want 4", n)
	}
	if n := len(r.history("--destination", "second")); n != 2 {
		t.Errorf("%d receipts of the second, want 2", n)
	}
	r.deliver(0)
}

// TestTwoRootsOfOneServer counts as two destinations.
func TestTwoRootsOfOneServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.mkdir("left")
	right := replaced(t, replaced(t, r.acme(), `name = "acme"`, `name = "right"`), fmt.Sprintf("root = %q", r.sshd.Dir), fmt.Sprintf("root = %q", r.at("left")))
	r.outboxTo(r.acme()+right, "after = \"delete\"\nto = [\"acme\", \"right\"]")
	r.drop("a.txt", "a")
	r.deliver(2)
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a"})
	wantTree(t, r.at("left"), map[string]string{"a.txt": "a"})
	wantTree(t, r.outbox, map[string]string{})
}

// TestOneDestinationDownWhileTheAgentRuns delivers to the other at once, and to both in the end.
func TestOneDestinationDownWhileTheAgentRuns(t *testing.T) {
	t.Parallel()
	r, second := twoRig(t, "after = \"archive\"\narchive = \"archive\"\nretry = { initial = \"200ms\", max = \"1s\" }\n")
	year := time.Now().UTC().Format("2006")
	second.Stop()
	a := r.watching()
	r.drop("a.txt", "a")
	awaitTree(t, r.sshd.Dir, 10*time.Second, map[string]string{"in/a.txt": "a"})
	eventually(t, "the status tells of the outage", 10*time.Second, func() bool {
		for _, d := range r.status().Destinations {
			if d.Name == "second" && d.State == "waiting" && d.Queued == 1 && d.Reason != "" && d.NextAttempt != nil {
				return true
			}
		}
		return false
	})
	wantTree(t, r.outbox, map[string]string{"a.txt": "a"})
	second.Start()
	r.expect(0, "retry", "destination:second") // after five attempts it would be let alone for longer
	awaitTree(t, second.Dir, 10*time.Second, map[string]string{year + "/a.txt": "a"})
	awaitTree(t, r.archive, 5*time.Second, map[string]string{"a.txt": "a"})
	wantTree(t, r.outbox, map[string]string{})
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
