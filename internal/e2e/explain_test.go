package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.configureWith("stable_for = \"200ms\"\nexclude = [\"*.bak\"]", r.acme()+
		r.folder("outbox", r.outbox, "include = [\"*.txt\", \"*.bak\"]\nexclude = [\"tmp\"]\nto = [\"acme:in\"]")+
		r.folder("archived", r.mkdir("archived"), "after = \"archive\"\narchive = \"archive\"\nto = [\"acme:archived\"]"))
	for _, name := range []string{"done.txt", "sub/done.txt", "a.bak", "a.pdf", "a.txt.part", "tmp/x.txt", "held.txt", "touched.txt"} {
		r.drop(name, name)
	}
	r.write(r.at("archived/gone.txt"), "gone")
	r.write(r.inbox("in/held.txt"), "theirs")
	r.once(3)
	r.drop("touched.txt", "touched.txT")
	if err := os.Symlink("done.txt", filepath.Join(r.outbox, "link.txt")); err != nil {
		t.Skipf("no links here: %v", err)
	}

	// The changed file is sent by an agent: it is asked about without one only.
	if e := r.explain(filepath.Join(r.outbox, "touched.txt")); e.State != "new" || !strings.Contains(e.Reason, "has changed since") || len(e.Receipts) != 1 {
		t.Errorf("a changed file: %+v", e)
	}
	r.once(3)

	withAndWithoutAgent(t, r, func(t *testing.T) {
		for _, c := range []struct {
			name, state, folder string
			reason              []string
			receipts            int
		}{
			{"outbox/done.txt", "delivered", "outbox", []string{"acme", "evidence read-back"}, 1},
			{"outbox/sub/done.txt", "delivered", "outbox", nil, 1},
			{"outbox/touched.txt", "delivered", "outbox", nil, 2},
			{"outbox/a.bak", "excluded", "outbox", []string{`"*.bak"`}, 0},
			{"outbox/a.pdf", "excluded", "outbox", []string{"no include pattern"}, 0},
			{"outbox/a.txt.part", "excluded", "outbox", []string{`"*.part"`}, 0},
			{"outbox/tmp/x.txt", "excluded", "outbox", []string{`"tmp"`}, 0},
			{"outbox/held.txt", "held", "outbox", []string{"a person has to decide", "did not put there"}, 0},
			{"outbox/sub", "directory", "outbox", nil, 0},
			{"outbox", "directory", "outbox", nil, 0},
			{"outbox/link.txt", "skipped", "outbox", []string{"only regular files", "link"}, 0},
			{"outbox/nowhere.txt", "unknown", "outbox", []string{"no such file"}, 0},
			{"archived/gone.txt", "delivered", "archived", []string{"not in the folder any more"}, 1},
			{"elsewhere.txt", "unknown", "", []string{"no configured folder"}, 0},
		} {
			e := r.explain(r.at(c.name))
			if e.State != c.state || e.Folder != c.folder || len(e.Receipts) != c.receipts || e.Path != r.at(c.name) {
				t.Errorf("%s: %+v", c.name, e)
			}
			contains(t, e.Reason, c.reason...)
			text := r.expect(0, "explain", c.name).stdout // relative to where the person stands
			contains(t, text, r.at(c.name)+": "+c.state, strings.ReplaceAll(e.Reason, "`dropferry retry", "`"+r.typed("retry")))
			if c.receipts > 0 {
				contains(t, text, "receipt", e.Receipts[0].ID, e.Receipts[0].SHA256)
			}
		}
		if e := r.explain(r.at("outbox/done.txt")); len(e.Routes) != 1 || e.Routes[0].RemotePath != r.inbox("in/done.txt") || e.Routes[0].Destination != "acme" {
			t.Errorf("routes: %+v", e.Routes)
		}
	})

	// By way of a link to the folder it is the same file.
	if err := os.Symlink(r.outbox, r.at("shortcut")); err != nil {
		t.Fatal(err)
	}
	if e := r.explain(r.at("shortcut/done.txt")); e.State != "delivered" {
		t.Errorf("through a link: %+v", e)
	}
}

func TestExplainASettlingFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.configureWith(`stable_for = "1m"`, r.acme()+r.folder("outbox", r.outbox, `to = ["acme:in"]`))
	r.watching()
	r.drop("a.txt", "a")
	name := filepath.Join(r.outbox, "a.txt")
	var e explanationJSON
	eventually(t, "the file is seen", 10*time.Second, func() bool { e = r.explain(name); return e.State == "settling" })
	if e.Since == nil || e.Until == nil || e.Until.Sub(*e.Since) < 50*time.Second || !strings.Contains(e.Reason, "quiet time") {
		t.Errorf("explain: %+v", e)
	}
	contains(t, r.expect(0, "explain", name).stdout, "settling", "since", "looked at again by")
	if f := r.status().Folders[0]; f.Settling != 1 {
		t.Errorf("status: %+v", f)
	}
}

// TestExplainWhileTheServerIsAway tells why, and when the next attempt is made.
func TestExplainWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, "retry = { initial = \"20s\", max = \"30s\" }\nto = [\"acme\"]")
	r.sshd.Stop()
	a := r.watching()
	r.drop("a.txt", "a")
	a.wait("cannot be used for now")
	name := filepath.Join(r.outbox, "a.txt")
	var e explanationJSON
	eventually(t, "the next attempt is known", 10*time.Second, func() bool {
		e = r.explain(name)
		return e.State == "queued" && len(e.Routes) == 1 && e.Routes[0].NextAttempt != nil
	})
	if next := time.Until(*e.Routes[0].NextAttempt); next < 0 || next > 30*time.Second {
		t.Errorf("the next attempt is in %v", next)
	}
	contains(t, e.Reason, "acme", "connection refused", "next attempt ")
	contains(t, r.expect(0, "explain", name).stdout, "queued", "connection refused", "next attempt")
	a.stop()
	e = r.explain(name)
	if e.State != "queued" {
		t.Errorf("explain: %+v", e)
	}
	contains(t, e.Reason, "no agent is running", "dropferry once")
	var moments []string
	for i, m := range e.Routes[0].Story {
		if moments = append(moments, m.What); i > 1 && m.At.Before(e.Routes[0].Story[i-1].At) { // the file's own time is of another clock
			t.Errorf("the story goes back: %+v", e.Routes[0].Story)
		}
	}
	if told := strings.Join(moments, " "); !strings.Contains(told, "seen") || !strings.Contains(told, "settled ready planned") {
		t.Errorf("the story is %q", told)
	}
	text := r.expect(0, "explain", name).stdout
	contains(t, text, "  seen\n", "  settled\n", "  planned\n")
	lacks(t, text, "  ready\n")
}

// TestExplainABlockedDestination names what a person has to do.
func TestExplainABlockedDestination(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(replaced(t, r.acme(), r.sshd.KeyFile, r.keyFile("other")), `to = ["acme"]`)
	a := r.watching()
	r.drop("a.txt", "a")
	a.wait("destination blocked")
	name := filepath.Join(r.outbox, "a.txt")
	eventually(t, "the block is told", 10*time.Second, func() bool { return r.explain(name).State == "blocked" })
	contains(t, r.explain(name).Reason, "until a person acts", "connect acme: ")
	d := r.status().Destinations[0]
	if d.State != "blocked" || !strings.Contains(d.Reason, "connect acme: ") || d.Queued != 1 {
		t.Errorf("status: %+v", d)
	}
	if n := lines(r.sshd.Log(), "Failed publickey"); n != 1 {
		t.Errorf("%d attempts to log in: accounts lock", n)
	}
}

// TestExplainAFailingFile tells of one file that its server refuses, while others go through.
func TestExplainAFailingFile(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.Refuse(sftptest.OpOpen, sftptest.Failure).On("*bad.txt*"))
	r := bareRig(t)
	r.outboxTo(server.TOML("acme")+patient, "retry = { initial = \"20s\", max = \"30s\" }\nto = [\"acme:in\"]")
	a := r.watching()
	r.drop("bad.txt", "bad")
	a.wait("attempt failed")
	r.drop("good.txt", "good")
	awaitTree(t, filepath.Join(server.Dir, "in"), 10*time.Second, map[string]string{"good.txt": "good"})
	name := filepath.Join(r.outbox, "bad.txt")
	ask := func(t *testing.T) {
		e := r.explain(name)
		if e.State != "failed" || len(e.Routes) != 1 || e.Routes[0].Attempts != 1 || e.Routes[0].LastError == "" || e.Routes[0].NextAttempt == nil {
			t.Fatalf("explain: %+v", e)
		}
		contains(t, e.Reason, "the last of 1 attempts failed", "status 4")
		contains(t, r.expect(0, "explain", name).stdout, "failed", "next attempt")
	}
	ask(t)
	a.stop()
	ask(t)

	// once does not wait for the next attempt, tries three times, and gives up.
	if _, summary := r.once(3); summary.Failed != 1 {
		t.Errorf("summary: %+v", summary)
	}
	if e := r.explain(name); e.State != "parked" || !strings.Contains(e.Reason, "given up") {
		t.Errorf("explain: %+v", e)
	}
	if s := r.status(); s.Folders[0].Parked != 1 {
		t.Errorf("status: %+v", s)
	}
	r.once(3)
	// A new version is a new chance.
	server.Faults.Clear()
	r.drop("bad.txt", "bad no more")
	r.deliver(1)
}
