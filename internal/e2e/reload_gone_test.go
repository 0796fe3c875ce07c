package e2e

import (
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// doubtfulRig has an agent with a file of which nobody knows whether it was published: it was killed at that moment, and
// since then its server could not be reached.
func doubtfulRig(t *testing.T) (r *rig, wire *sftptest.Wire, acme string, a *agent) {
	t.Helper()
	r = newRig(t, "")
	wire = sftptest.StartWire(t, r.sshd.Addr)
	acme = sftptest.Through(wire, r.acme())
	r.outboxTo(acme, "retry = { initial = \"10m\", max = \"10m\" }\nto = [\"acme\"]")
	r.drop("a.txt", "a")
	r.env = append(r.env, "DROPFERRY_CRASH=committed")
	if got := r.run("once"); got.code != -1 {
		t.Fatalf("the crash did not happen: %d\n%s", got.code, got.stderr)
	}
	r.env = r.env[:len(r.env)-1]
	wire.Refuse(true)
	a = r.watching()
	a.wait("cannot be used for now")
	return r, wire, acme, a
}

// TestReloadResolvesWhatMayBePublished uses the old settings for the last time before a destination goes.
func TestReloadResolvesWhatMayBePublished(t *testing.T) {
	t.Parallel()
	r, wire, _, _ := doubtfulRig(t)
	seen := sftptest.Observe(t, r.sshd.Dir)
	wire.Refuse(false)
	r.configure("")
	r.reload("destination acme: removed", "folder outbox: removed")
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a"})
	if got := r.history("--destination", "acme"); len(got) != 1 {
		t.Errorf("history: %+v", got)
	}
	if left := r.left().Left; len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	if len(seen.Seen()) != 1 {
		t.Errorf("seen: %+v", seen.Seen())
	}
}

// TestReloadListsWhatIsLeft keeps what cannot be resolved until a person cancels it, or its destination is back.
func TestReloadListsWhatIsLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, target string
		stopped      bool
	}{{"by route", "outbox/acme", false}, {"by destination", "destination:acme", false}, {"by folder, without an agent", "folder:outbox", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, wire, acme, a := doubtfulRig(t)
			r.configure("")
			r.reload("destination acme: removed", "folder outbox: removed")
			left := r.left().Left
			if len(left) != 1 || left[0].Folder != "outbox" || left[0].Destination != "acme" || left[0].Committing != 1 {
				t.Fatalf("left: %+v", left)
			}
			contains(t, r.expect(0, "status").stdout, "outbox/acme is not in the configuration any more", "1 may be published already", r.typed("cancel outbox/acme"))
			if c.stopped {
				a.stop()
			}
			if o := r.command("cancel", c.target); o.Count != 1 {
				t.Errorf("cancel: %+v", o)
			}
			if left := r.left().Left; len(left) != 0 {
				t.Errorf("left: %+v", left)
			}
			r.refused(4, []string{"is not in the configuration"}, "cancel", c.target)
			wire.Refuse(false)
			r.outboxTo(acme, `to = ["acme"]`)
			if c.stopped {
				r.deliver(0)
			} else {
				before := time.Now()
				r.reload("destination acme: added", "folder outbox: added")
				r.looked("outbox", before)
				r.calm()
			}
			if e := r.explain(r.outbox + "/a.txt"); e.State != "cancelled" {
				t.Errorf("explain: %+v", e)
			}
		})
	}
	t.Run("the destination is back", func(t *testing.T) {
		t.Parallel()
		r, wire, acme, _ := doubtfulRig(t)
		seen := sftptest.Observe(t, r.sshd.Dir)
		r.configure("")
		r.reload("destination acme: removed", "folder outbox: removed")
		wire.Refuse(false)
		r.outboxTo(acme, `to = ["acme"]`)
		r.reload("destination acme: added", "folder outbox: added")
		r.arrives("a.txt", "a")
		r.calm()
		if len(seen.Seen()) != 1 || len(r.history()) != 1 {
			t.Errorf("seen: %+v, history: %+v", seen.Seen(), r.history())
		}
	})
}

// TestReloadRemovesARoute of a folder that stays: what was planned is dropped, its temp too, and the source goes when those
// that are left have it.
func TestReloadRemovesARoute(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	second := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	wire := sftptest.StartWire(t, second.Addr)
	wire.SetRate(256 << 10)
	destinations := r.acme() + sftptest.Through(wire, second.TOML("second")) + patient
	const lines = "after = \"archive\"\narchive = \"archive\"\ncheckpoint = { size = \"256KiB\" }\n"
	r.outboxTo(destinations, lines+`to = ["acme", "second"]`)
	content := noise(8 << 20)
	r.drop("large.bin", content)
	r.watching()
	r.arrives("large.bin", content)
	r.underWay(second.Dir, 1<<19)
	r.outboxTo(destinations, lines+`to = ["acme"]`)
	r.reload("folder outbox: changed to")
	eventually(t, "the source is archived", 15*time.Second, func() bool { return tree(t, r.archive)["large.bin"] == content })
	wire.SetRate(0)
	awaitTree(t, second.Dir, 15*time.Second, map[string]string{})
	if left := r.left().Left; len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
}
