package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// naming is one configuration of a rename test: names, and the lines that follow them.
type naming struct {
	folder, folderWas           string
	destination, destinationWas string
}

func (r *rig) named(n naming, lines string) {
	r.t.Helper()
	destination := replaced(r.t, r.acme(), `name = "acme"`, fmt.Sprintf("name = %q\n%s", n.destination, n.destinationWas))
	r.configure(destination + r.folder(n.folder, r.outbox, n.folderWas+"\n"+fmt.Sprintf(lines, n.destination)))
}

// TestRenaming goes on under new names: nothing is sent twice, history and pauses come along, and the ledger keeps what it
// says. Without `was` it is refused. While the agent runs and at a start it is the same.
func TestRenaming(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"outbox", "mirror"} {
		for _, running := range []bool{true, false} {
			t.Run(mode+map[bool]string{true: " reload", false: " start"}[running], func(t *testing.T) {
				t.Parallel()
				testRenaming(t, mode, running)
			})
		}
	}
}

func testRenaming(t *testing.T, mode string, running bool) {
	lines := "mode = \"" + mode + "\"\nto = [\"%s:in\"]"
	r := newRig(t, "")
	r.named(naming{folder: "invoices", destination: "acme"}, lines)
	seen := sftptest.Observe(t, r.sshd.Dir)
	r.drop("a.txt", "a")
	r.drop("sub/b.txt", "b")
	var a *agent
	if running {
		a = r.watching()
		r.arrives("in/sub/b.txt", "b")
		r.arrives("in/a.txt", "a")
		r.calm()
	} else {
		r.deliver(2)
	}
	r.expect(0, "pause", "invoices/acme")

	apply := func(code int) string {
		if running {
			return r.expect(code, "reload").stderr
		}
		if code == 0 {
			code = 3 // since it is paused, when something waits
			if got := r.run("once"); got.code == 0 || got.code == 3 {
				return got.stderr
			}
		}
		return r.expect(code, "once").stderr
	}
	r.named(naming{folder: "bills", destination: "acme"}, lines)
	contains(t, apply(5), `folder "bills"`, `has the path of folder "invoices"`, `was = "invoices"`, `was = ""`)
	r.named(naming{folder: "invoices", destination: "globex"}, lines)
	contains(t, apply(5), `destination "globex"`, `has the host and user of destination "acme"`, `was = "acme"`)
	if running {
		contains(t, r.expect(0, "status").stdout, "folder invoices")
	} else {
		contains(t, r.expect(5, "run").stderr, `was = "acme"`)
	}
	r.named(naming{"bills", `was = "invoice"`, "acme", ""}, lines)
	contains(t, apply(5), `was = "invoice", which no folder was ever called`, `did you mean was = "invoices"?`)

	both := naming{"bills", `was = "invoices"`, "globex", `was = "acme"`}
	r.named(both, lines)
	r.drop("c.txt", "c")
	if running {
		before := time.Now()
		r.reload("destination globex: was acme", "folder bills: was invoices; changed to")
		r.looked("bills", before)
	} else {
		contains(t, r.expect(5, "plan").stderr, `was = "invoices" is not applied yet`, `was = "acme" is not applied yet`)
		apply(0)
	}
	if p := r.status().Pauses; len(p) != 1 || p[0].Folder != "bills" || p[0].Destination != "globex" {
		t.Errorf("pauses: %+v", p)
	}
	r.expect(0, "resume", "bills/globex")
	again := func() {
		if running {
			r.calm()
		} else {
			r.run("once")
		}
	}
	again()
	r.arrives("in/c.txt", "c")
	r.drop("a.txt", "a, changed") // ours, so it is replaced
	if !running {
		again()
	}
	r.arrives("in/a.txt", "a, changed")
	again()
	for _, args := range [][]string{nil, {"--folder", "bills"}, {"--folder", "invoices"}, {"--destination", "globex"}, {"--folder", "bills", "--destination", "globex"}} {
		if got := r.history(args...); len(got) != 4 {
			t.Errorf("history %q: %+v", args, got)
		}
	}
	if got := r.history(); got[len(got)-1].Folder != "invoices" || got[len(got)-1].Destination != "acme" || got[0].Folder != "bills" {
		t.Errorf("history: %+v", got)
	}
	if e := r.explain(r.outbox + "/sub/b.txt"); e.State != "delivered" || len(e.Receipts) != 1 || e.Routes[0].ID == "" {
		t.Errorf("explain: %+v", e)
	}
	id := r.explain(r.outbox + "/sub/b.txt").Routes[0].ID // from before the renaming
	if resent := r.command("resend", id); resent.Count != 1 {
		t.Errorf("resend: %+v", resent)
	}
	again()
	eventually(t, "it is sent again", 15*time.Second, func() bool { return len(r.history()) == 5 })

	// What is left in the file does nothing, at a reload and at a start.
	again()
	if running {
		r.reload()
		a.stop()
		r.watching()
		r.calm()
	} else {
		r.deliver(0)
	}
	if n := len(seen.Seen()); n != 5 {
		t.Errorf("%d publications: %+v", n, seen.Seen())
	}
}

// TestANewNameThatReallyIsNew begins anew where the configuration says so.
func TestANewNameThatReallyIsNew(t *testing.T) {
	t.Parallel()
	const lines = "to = [\"%s:{folder}\"]"
	r := newRig(t, "")
	r.named(naming{folder: "invoices", destination: "acme"}, lines)
	r.drop("a.txt", "a")
	r.deliver(1)
	r.named(naming{folder: "bills", folderWas: `was = ""`, destination: "acme"}, lines)
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"invoices/a.txt": "a", "bills/a.txt": "a"})
	for _, folder := range []string{"bills", "invoices"} {
		if got := r.history("--folder", folder); len(got) != 1 {
			t.Errorf("history of %s: %+v", folder, got)
		}
	}
	// Both have a history of their own now.
	r.named(naming{folder: "bills", folderWas: `was = "invoices"`, destination: "acme"}, lines)
	contains(t, r.expect(5, "once").stderr, "both names have files of their own")
	r.named(naming{folder: "bills", destination: "acme"}, lines)
	r.deliver(0)
}

// TestRenamingWhileAFileIsOnItsWay gives it the grace, and goes on from its checkpoint under the new names.
func TestRenamingWhileAFileIsOnItsWay(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	r := newRig(t, "")
	wire, acme := slowly(t, r, 6<<20)
	r.grace = "500ms"
	const lines = "checkpoint = { size = \"1MiB\" }\nafter = \"archive\"\narchive = \"archive\"\n"
	r.configure(acme + r.folder("outbox", r.outbox, lines+`to = ["acme"]`))
	content := noise(size)
	r.drop("large.bin", content)
	seen := sftptest.Observe(t, r.sshd.Dir)
	r.watching()
	r.underWay(r.sshd.Dir, 4<<20)
	r.configure(replaced(t, acme, `name = "acme"`, "name = \"globex\"\nwas = \"acme\"") +
		r.folder("bills", r.outbox, "was = \"outbox\"\n"+lines+`to = ["globex"]`))
	r.reload("destination globex: was acme", "folder bills: was outbox")
	wire.SetRate(0)
	r.arrives("large.bin", content)
	eventually(t, "it is archived", 15*time.Second, func() bool { return tree(t, r.archive)["large.bin"] == content })
	if sent, _, _ := wire.Stats(); sent > size*5/4 {
		t.Errorf("%d bytes were sent for %d", sent, size)
	}
	got := r.history()
	if len(seen.Seen()) != 1 || len(got) != 1 || got[0].Folder != "bills" || got[0].Destination != "globex" {
		t.Errorf("seen %+v, history %+v", seen.Seen(), got)
	}
}

// TestKilledWhileReloading renames again and again and kills the agent at any moment: the store has the old names or the
// new ones, and nothing is sent twice.
func TestKilledWhileReloading(t *testing.T) {
	t.Parallel()
	const lines = "to = [\"%s:in\"]"
	r := newRig(t, "")
	at := naming{folder: "f-0", destination: "d-0"}
	r.named(at, lines)
	seen := sftptest.Observe(t, r.sshd.Dir)
	for i := range 20 {
		r.drop(fmt.Sprintf("%02d.txt", i), "x")
	}
	r.deliver(20)
	for i := 1; i <= 8; i++ {
		a := r.watching()
		at = naming{
			fmt.Sprintf("f-%d", i), fmt.Sprintf("was = %q", at.folder), fmt.Sprintf("d-%d", i), fmt.Sprintf("was = %q", at.destination),
		}
		r.named(at, lines)
		a.hangup()
		time.Sleep(time.Duration(i*4) * time.Millisecond) // any moment will do
		a.kill()
	}
	r.watching()
	r.calm()
	if n := len(seen.Seen()); n != 20 {
		t.Errorf("%d publications", n)
	}
	if got := r.history("--folder", at.folder, "--destination", at.destination); len(got) != 20 || !strings.HasPrefix(got[0].Folder, "f-0") {
		t.Errorf("history: %+v", got)
	}
}
