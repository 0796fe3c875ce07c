package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGuideFromWinSCP has files in the folder that the script would have left alone, too.
func TestGuideFromWinSCP(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "from-winscp.md")
	incoming := g.inbox("incoming")
	if err := os.Mkdir(incoming, 0o700); err != nil {
		t.Fatal(err)
	}
	g.configureAs(g.instead(g.blocks("toml")[0],
		`host = "sftp.acme.example"`, fmt.Sprintf("host = %q\nport = %d", g.sshd.Host, g.sshd.Port), `user = "contoso"`, fmt.Sprintf("user = %q", g.sshd.User),
		`'C:\dropferry\acme_ed25519'`, fmt.Sprintf("%q", g.sshd.KeyFile), "SHA256:...", g.sshd.Fingerprints[0],
		`root = "/incoming"`, fmt.Sprintf("root = %q", incoming), `'C:\erp\out'`, fmt.Sprintf("%q", g.outbox)))
	for _, name := range []string{"a.xml", "below/b.xml", "notes.txt"} {
		g.drop(name, name)
	}
	g.expect(0, "check", "--connect")
	g.settled(0)
	contains(t, g.expect(0, "plan").stdout, "upload", "a.xml")
	g.expect(0, "once")
	wantTree(t, incoming, map[string]string{"a.xml": "a.xml"})
	wantTree(t, g.outbox, map[string]string{"below/b.xml": "below/b.xml", "notes.txt": "notes.txt"})
	contains(t, g.expect(0, "history").stdout, "a.xml")
}

// TestGuideFromRclone begins beside what rclone has brought there.
func TestGuideFromRclone(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "from-rclone.md")
	g.configureAs(g.acme() + g.instead(g.blocks("toml")[0], "/srv/export", g.outbox, `"2m"`, `"200ms"`))
	for _, name := range []string{"same", "new", "other"} {
		g.drop(name, name)
	}
	if err := os.Mkdir(g.inbox("incoming"), 0o700); err != nil {
		t.Fatal(err)
	}
	g.write(g.inbox("incoming/same"), "same")
	g.write(g.inbox("incoming/other"), "somebody's")
	g.settled(0)
	plan := g.expect(0, "plan").stdout
	for _, op := range []string{"adopt", "upload", "hold"} {
		contains(t, g.page, "`"+op+"`")
		contains(t, plan, op)
	}
	g.expect(3, "once") // one is held
	wantTree(t, g.inbox("incoming"), map[string]string{"same": "same", "new": "new", "other": "somebody's"})
}

// TestGuideFromLsyncd sends to an absolute path, deletes nothing, and starts anew without sending anything.
func TestGuideFromLsyncd(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "from-lsyncd.md")
	g.configureAs(g.acme() + g.instead(g.blocks("toml")[0], "/srv/export", g.outbox, `"15s"`, `"200ms"`, "acme:/incoming", "acme:"+g.inbox("incoming")))
	g.drop("a", "one")
	g.drop("d/b", "two")
	running := g.start()
	want := map[string]string{"a": "one", "d/b": "two"}
	awaitTree(t, g.inbox("incoming"), 20*time.Second, want)
	if code := running.stop(); code != 0 {
		t.Errorf("run ended with %d", code)
	}
	g.lose("a")
	if _, summary := g.once(0); summary.Delivered != 0 || summary.Bytes != 0 {
		t.Errorf("the next start sends %+v", summary)
	}
	wantTree(t, g.inbox("incoming"), want)
}

// TestGuideOfTriggerFiles takes each of its folders.
func TestGuideOfTriggerFiles(t *testing.T) {
	t.Parallel()
	folders := readGuide(t, "trigger-files.md").blocks("toml")
	try := func(at int, path string, more ...string) *guide {
		g := readGuide(t, "trigger-files.md")
		g.configureAs(g.acme() + g.instead(folders[at], append([]string{path, g.outbox}, more...)...))
		return g
	}
	t.Run("theirs", func(t *testing.T) {
		t.Parallel()
		g := try(0, "/srv/erp/out/payments", "/srv/erp/sent", filepath.ToSlash(t.TempDir()))
		g.drop("a.xml", "one")
		g.settled(1)
		g.expect(3, "once")
		contains(t, g.expect(0, "explain", filepath.Join(g.outbox, "a.xml")).stdout, "marker")
		g.drop("a.xml.done", "")
		g.settled(0)
		g.expect(0, "once")
		wantTree(t, g.inbox("payments"), map[string]string{"a.xml": "one"})
		wantTree(t, g.outbox, map[string]string{})
	})
	t.Run("ours", func(t *testing.T) {
		t.Parallel()
		g := try(1, "/srv/erp/out/batches")
		if err := os.MkdirAll(g.inbox("batches/b"), 0o700); err != nil {
			t.Fatal(err)
		}
		g.write(g.inbox("batches/b/1"), "theirs")
		g.drop("b/1", "ours")
		g.drop("b/MANIFEST", "1")
		g.settled(1)
		g.expect(3, "once")
		contains(t, g.expect(0, "explain", filepath.Join(g.outbox, "b", "MANIFEST")).stdout, "b/1", "held")
		contains(t, g.expect(0, "status").stdout, "b/1")
		id := g.explain(filepath.Join(g.outbox, "b", "1")).Routes[0].ID
		g.expect(0, "retry", "--overwrite", id)
		g.expect(0, "once")
		wantTree(t, g.inbox("batches"), map[string]string{"b/1": "ours", "b/MANIFEST": "1"})
	})
	t.Run("strict order", func(t *testing.T) {
		t.Parallel()
		g := try(2, "/srv/erp/out/journals")
		for _, name := range []string{"9.log", "10.log", "8.log"} {
			g.drop(name, name)
		}
		g.settled(0)
		g.expect(0, "once")
		var sent []string
		for _, h := range g.history() {
			sent = append(sent, h.Path)
		}
		if got := strings.Join(sent, " "); got != "9.log 8.log 10.log" { // the last first
			t.Errorf("they have gone, from the last: %s", got)
		}
	})
}

// TestGuideOfNetworkShares polls, as on a share that is not recognised.
func TestGuideOfNetworkShares(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "network-shares.md")
	contains(t, g.page, "`watch = \"poll\"`")
	g.configureAs(g.acme() + g.instead(g.blocks("toml")[0], "/mnt/lab-export", g.outbox, `"1m"`, `"1s"`, `"2m"`, `"200ms"`) + "watch = \"poll\"\n")
	running := g.start()
	g.drop("a", "one")
	awaitTree(t, g.inbox("results"), 20*time.Second, map[string]string{"a": "one"})
	contains(t, g.expect(0, "status").stdout, "poll")
	away := g.outbox + ".away"
	if err := os.Rename(g.outbox, away); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the share is away", 10*time.Second, func() bool { return strings.Contains(g.expect(0, "status").stdout, "does not exist") })
	if err := os.Rename(away, g.outbox); err != nil {
		t.Fatal(err)
	}
	g.drop("b", "two")
	awaitTree(t, g.inbox("results"), 20*time.Second, map[string]string{"a": "one", "b": "two"})
	if code := running.stop(); code != 0 {
		t.Errorf("run ended with %d", code)
	}
}
