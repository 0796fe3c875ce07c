package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// guide is a page of docs/guides, which is tried as a new user would: its configuration with the test's own names and places, and
// its commands.
type guide struct {
	*rig
	page string
}

func readGuide(t *testing.T, name string) *guide {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", name))
	if err != nil {
		t.Fatal(err)
	}
	return &guide{newRig(t, ""), string(page)}
}

// blocks returns the code blocks of a language, "" for none.
func (g *guide) blocks(language string) []string {
	var all []string
	inside := false
	var own *strings.Builder // of the block, if it is of the language
	for line := range strings.Lines(g.page) {
		fence, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), "```")
		switch {
		case isFence && inside:
			if own != nil {
				all = append(all, own.String())
			}
			inside, own = false, nil
		case isFence:
			inside = true
			if fence == language {
				own = &strings.Builder{}
			}
		case own != nil:
			own.WriteString(line)
		}
	}
	if len(all) == 0 {
		g.t.Fatalf("the guide has no block of %q", language)
	}
	return all
}

// instead puts the test's own into a text; each of the pairs must be there.
func (g *guide) instead(text string, pairs ...string) string {
	g.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			g.t.Fatalf("the guide does not have %q any more", pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

func (g *guide) configureAs(text string) {
	g.t.Helper()
	text = strings.Replace(text, "version = 1\n", "", 1)
	head := fmt.Sprintf("version = 1\n[agent]\nstate_dir = %q\n[defaults]\nstable_for = \"200ms\"\n", g.state)
	if err := os.WriteFile(g.config, []byte(head+text), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

// TestGuideOfAnOutbox goes through outbox.md, command by command.
func TestGuideOfAnOutbox(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "outbox.md")
	incoming := g.inbox("incoming")
	if err := os.Mkdir(incoming, 0o700); err != nil {
		t.Fatal(err)
	}
	text := g.instead(g.blocks("toml")[0],
		`host = "sftp.acme.example"`, fmt.Sprintf("host = %q\nport = %d", g.sshd.Host, g.sshd.Port), `user = "contoso"`, fmt.Sprintf("user = %q", g.sshd.User),
		`key_file = "acme_ed25519"`, fmt.Sprintf("key_file = %q", g.sshd.KeyFile), `root = "/incoming"`, fmt.Sprintf("root = %q", incoming),
		"/srv/erp/out/invoices", g.outbox, "/srv/erp/sent", g.archive)
	g.configureAs(text)
	g.drop("a.xml", "one")
	g.drop("notes.txt", "not for them")
	ran := 0
	for line := range strings.Lines(g.blocks("")[0]) {
		command, _, _ := strings.Cut(line, "#")
		args := strings.Fields(command)
		if len(args) == 0 || args[0] != "dropferry" {
			t.Errorf("%q is no command of the guide", line)
			continue
		}
		ran++
		switch args = args[1:]; args[0] {
		case "trust": // a person compares and says yes
			g.expect(0, append(args, "--fingerprint", g.sshd.Fingerprints[0])...)
		case "run":
			running := g.start()
			g.drop("b.xml", "two")
			awaitTree(t, incoming, 20*time.Second, map[string]string{"invoices/a.xml": "one", "invoices/b.xml": "two"})
			if code := running.stop(); code != 0 {
				t.Errorf("run ended with %d", code)
			}
		case "plan":
			g.settled(0)
			contains(t, g.expect(0, args...).stdout, "upload", "a.xml", "new")
		default:
			g.expect(0, args...)
		}
	}
	if ran < 6 {
		t.Errorf("only %d commands", ran)
	}
	sent := filepath.Join(g.archive, time.Now().UTC().Format("2006"), time.Now().UTC().Format("01"))
	wantTree(t, sent, map[string]string{"a.xml": "one", "b.xml": "two"})
	wantTree(t, g.outbox, map[string]string{"notes.txt": "not for them"})
	contains(t, g.page, "`dropferry explain FILE`")
	contains(t, g.expect(0, "explain", filepath.Join(g.outbox, "a.xml")).stdout, "receipt")
}

// TestGuideOfAMirror goes through mirror.md: a first run beside what is there, a change, what was changed there, a removal, and a halt.
func TestGuideOfAMirror(t *testing.T) {
	t.Parallel()
	g := readGuide(t, "mirror.md")
	text := strings.Join(g.blocks("toml"), "")
	text = g.instead(text, "/srv/export/catalogue", g.outbox, `delete_delay = "1m"`, `delete_delay = "100ms"`, "max_delete = 50", "max_delete = 1")
	backup := replaced(t, g.acme(), `name = "acme"`, `name = "backup"`)
	backup = replaced(t, backup, fmt.Sprintf("root = %q", g.sshd.Dir), fmt.Sprintf("root = %q", g.mkdir("backup")))
	g.configureAs(g.acme() + backup + text)
	g.drop("same.txt", "same")
	g.drop("a.txt", "one")
	if err := os.Mkdir(g.inbox("catalogue"), 0o700); err != nil {
		t.Fatal(err)
	}
	g.write(g.inbox("catalogue/same.txt"), "same")
	g.settled(0)
	contains(t, g.expect(0, "plan").stdout, "adopt", "same.txt", "upload", "a.txt")
	g.expect(0, "once")
	there := func(want map[string]string) {
		t.Helper()
		got := tree(t, g.inbox("catalogue"))
		for name := range got {
			if strings.HasPrefix(name, ".trash/") {
				delete(got, name)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the server has %v, want %v", got, want)
		}
	}
	there(map[string]string{"same.txt": "same", "a.txt": "one"})
	contains(t, g.page, "`dropferry verify catalogue/acme`", "`--repair`", "`dropferry explain FILE`", "`dropferry resume folder:catalogue --accept-deletes N`")
	g.expect(0, "verify", "catalogue/acme")

	g.write(g.inbox("catalogue/a.txt"), "somebody's own")
	g.drop("a.txt", "two, here")
	g.settled(0)
	g.expect(3, "once")
	contains(t, g.expect(0, "explain", filepath.Join(g.outbox, "a.txt")).stdout, "held", "14 bytes", "SHA-256")
	g.expect(0, "retry", "folder:catalogue", "--overwrite")
	g.expect(0, "once")
	there(map[string]string{"same.txt": "same", "a.txt": "two, here"})

	for _, name := range []string{"b.txt", "c.txt"} {
		g.drop(name, name)
	}
	g.settled(0)
	g.expect(0, "once")
	g.lose("b.txt", "c.txt")
	g.run("once")
	time.Sleep(200 * time.Millisecond) // more than delete_delay
	g.expect(3, "once")
	contains(t, g.expect(0, "status").stdout, "halted", "--accept-deletes")
	g.expect(0, "resume", "folder:catalogue", "--accept-deletes", "2")
	g.expect(0, "once")
	there(map[string]string{"same.txt": "same", "a.txt": "two, here"})
}
