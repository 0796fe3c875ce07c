package e2e

import (
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestReloadWithoutAnAgent says that none runs.
func TestReloadWithoutAnAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	contains(t, r.expect(10, "reload").stderr, "no agent is running", "another state_dir")
}

// TestReloadLeavesTheRestAlone adds a folder and a destination while a large file is on its way: that goes on over the same
// connection, and its folder is not scanned again.
func TestReloadLeavesTheRestAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire, acme := slowly(t, r, 2<<20)
	r.outboxTo(acme, `to = ["acme"]`)
	second := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	content := noise(10 << 20)
	r.drop("large.bin", content)
	seen := sftptest.Observe(t, r.sshd.Dir)
	r.watching()
	r.underWay(r.sshd.Dir, 1<<19)
	before, connected := r.status(), connections(wire)

	other := r.mkdir("other")
	r.write(r.at("other/b.txt"), "b")
	r.configure(acme + second.TOML("second") + patient + r.folder("outbox", r.outbox, `to = ["acme"]`) +
		r.folder("other", other, `to = ["second"]`))
	r.reload("destination second: added", "folder other: added")
	eventually(t, "the new folder's file arrives", 15*time.Second, func() bool { return tree(t, second.Dir)["b.txt"] == "b" })
	during := r.status()
	if len(during.Transfers) == 0 || during.Transfers[0].ID != before.Transfers[0].ID {
		t.Errorf("transfers: %+v, and %+v before", during.Transfers, before.Transfers)
	}
	if !during.Folders[0].LastScan.Equal(*before.Folders[0].LastScan) {
		t.Errorf("the folder was scanned again: %v, %v", during.Folders[0].LastScan, before.Folders[0].LastScan)
	}
	r.reload() // once more: nothing has changed
	wire.SetRate(0)
	r.arrives("large.bin", content)
	if n := connections(wire); n != connected {
		t.Errorf("%d connections, %d before the reload", n, connected)
	}
	if sent, _, _ := wire.Stats(); sent > 11<<20 {
		t.Errorf("%d bytes were sent", sent)
	}
	if len(seen.Seen()) != 1 {
		t.Errorf("seen: %+v", seen.Seen())
	}
}

// TestReloadRefusesFaults prints all of them and changes nothing.
func TestReloadRefusesFaults(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	a := r.watching()
	good := r.configuration()
	loaded := r.left().Agent.LoadedAt
	if loaded == nil {
		t.Fatal("it was never loaded")
	}
	bad := replaced(t, good, `to = ["acme"]`, "to = [\"acne\"]\nrescan = \"soon\"")
	r.write(r.config, bad)
	faults := []string{"unknown destination", `rescan = "soon" is not a duration`}
	contains(t, r.expect(5, "reload").stderr, faults...)
	a.hangup()
	a.wait("rescan")
	contains(t, a.text(), "was not reloaded", "acne")

	r.write(r.config, replaced(t, good, r.state, r.at("elsewhere")))
	a.hangup()
	a.wait("state_dir cannot change while the agent runs")
	contains(t, a.text(), "restart the agent")
	contains(t, r.expect(10, "reload").stderr, "another state_dir")

	// What the next start would refuse, or could not write its log to, is not loaded either.
	r.write(r.config, good)
	r.withLog("target = \"file\"\nfile = \"agent.toml/x.log\"")
	contains(t, r.expect(1, "reload").stderr, "open the log")
	if runtime.GOOS != "windows" {
		r.write(r.config, good)
		r.withLog(`target = "eventlog"`)
		contains(t, r.expect(5, "reload").stderr, "only Windows has an event log")
	}

	r.write(r.config, good)
	if now := r.left().Agent.LoadedAt; !now.Equal(*loaded) {
		t.Errorf("loaded %v, and %v before", now, loaded)
	}
	r.drop("a.txt", "a")
	r.arrives("a.txt", "a")
	r.reload()
	if now := r.left().Agent; !now.LoadedAt.After(*loaded) || now.Config != r.config {
		t.Errorf("%+v, loaded %v before", now, loaded)
	}
	contains(t, r.expect(0, "status").stdout, "configuration "+r.config+", loaded ")
}

// TestReloadRemovesAFolder drops what was planned for it, and what it had delivered is not sent again when it is back.
func TestReloadRemovesAFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire := sftptest.StartWire(t, r.sshd.Addr)
	acme := sftptest.Through(wire, r.acme())
	folder := r.folder("outbox", r.outbox, `to = ["acme"]`)
	r.configure(acme + folder)
	seen := sftptest.Observe(t, r.sshd.Dir)
	a := r.watching()
	r.drop("a.txt", "a")
	eventually(t, "a.txt is delivered", 20*time.Second, func() bool { return len(r.history()) == 1 })
	wire.Refuse(true)
	wire.Cut()
	r.drop("b.txt", "b")
	eventually(t, "b.txt is planned", 10*time.Second, func() bool { return r.status().Folders[0].Ready == 1 })

	r.configure(acme)
	r.reload("folder outbox: removed")
	a.wait("the configuration has no such folder any more")
	if left := r.left().Left; len(left) > 0 {
		t.Errorf("left: %+v", left)
	}
	if e := r.explain(r.outbox + "/b.txt"); e.State != "unknown" {
		t.Errorf("explain: %+v", e)
	}
	if got := r.history("--folder", "outbox"); len(got) != 1 {
		t.Errorf("history: %+v", got)
	}
	wire.Refuse(false)
	r.configure(acme + folder)
	r.reload("folder outbox: added")
	r.expect(0, "retry", "destination:acme")
	r.arrives("b.txt", "b")
	r.calm()
	if len(seen.Seen()) != 2 {
		t.Errorf("seen: %+v", seen.Seen())
	}
}

// TestReloadOnHangup is `reload` by a signal.
func TestReloadOnHangup(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	a := r.watching()
	r.mkdir("other")
	r.write(r.at("other/b.txt"), "b")
	r.configure(r.acme() + r.folder("outbox", r.outbox, `to = ["acme"]`) + r.folder("other", r.at("other"), `to = ["acme:sub"]`))
	a.hangup()
	a.wait("folder other: added")
	r.arrives("sub/b.txt", "b")
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestReloadTwoAtOnce loads one after the other.
func TestReloadTwoAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.watching()
	r.drop("a.txt", "a")
	r.arrives("a.txt", "a")
	r.outboxTo(replaced(t, r.acme(), `keepalive = "500ms"`, `keepalive = "600ms"`), "rescan = \"30m\"\nto = [\"acme\"]")
	var reloads sync.WaitGroup
	var mu sync.Mutex
	changes := 0
	for range 4 {
		reloads.Go(func() {
			got := r.run("reload", "--json")
			mu.Lock()
			defer mu.Unlock()
			if got.code != 0 {
				t.Errorf("exit code %d: %s", got.code, got.stderr)
				return
			}
			changes += strings.Count(got.stdout, "changed ")
		})
	}
	reloads.Wait()
	if changes != 2 {
		t.Errorf("%d changes in all, want one of the destination and one of the folder", changes)
	}
	r.drop("b.txt", "b")
	r.arrives("b.txt", "b")
}

// TestReloadOfTheLog changes level and format while it runs.
func TestReloadOfTheLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	r.withLog(`level = "error"`)
	a := r.launch("-c", r.config, "run")
	eventually(t, "the agent answers", 10*time.Second, func() bool { return r.run("reload").code == 0 })
	r.drop("quiet.txt", "x")
	r.arrives("quiet.txt", "x")
	lacks(t, a.text(), "delivered", "reloaded")
	r.edit(`level = "error"`, "level = \"info\"\nformat = \"json\"")
	r.reload("log.level: changed", "log.format: changed")
	r.drop("loud.txt", "x")
	a.wait(`"msg":"delivered"`)
	lacks(t, a.text(), "quiet.txt")
}

// TestReloadWhileItStops does not keep the agent from its end.
func TestReloadWhileItStops(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	wire, acme := slowly(t, r, 1<<20)
	r.grace = "2s"
	r.outboxTo(acme, `to = ["acme"]`)
	content := noise(16 << 20)
	r.drop("large.bin", content)
	a := r.watching()
	r.underWay(r.sshd.Dir, 1<<19)
	r.outboxTo(replaced(t, acme, `keepalive = "500ms"`, `keepalive = "600ms"`), `to = ["acme"]`)
	a.hangup()
	started := time.Now()
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(started); took > 12*time.Second {
		t.Errorf("stopping took %v", took)
	}
	wire.SetRate(0)
	r.deliver(1)
	wantTree(t, r.sshd.Dir, map[string]string{"large.bin": content})
}
