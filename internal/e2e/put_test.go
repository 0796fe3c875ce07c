package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// putRig has a server, a configuration with nothing but its destination, and no folder.
func putRig(t *testing.T) *rig {
	t.Helper()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.configure(r.acme())
	return r
}

// wiredPutRig has a wire before its server.
func wiredPutRig(t *testing.T) (*rig, *sftptest.Wire) {
	t.Helper()
	r := putRig(t)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.configure(sftptest.Through(wire, r.acme()))
	return r, wire
}

// source writes a file beside the outbox and returns its name.
func (r *rig) source(name, content string) string {
	r.t.Helper()
	r.write(r.at(name), content)
	return r.at(name)
}

// crashes runs a command that kills itself at a point.
func (r *rig) crashes(point string, args ...string) {
	r.t.Helper()
	n := len(r.env)
	r.env = append(r.env, "DROPFERRY_CRASH="+point)
	defer func() { r.env = r.env[:n] }()
	if got := r.run(args...); got.code != -1 { // killed by a signal
		r.t.Fatalf("the crash at %s did not happen: exit code %d\n%s", point, got.code, got.text())
	}
}

// putJSON is the line of `put --json`.
type putJSON struct {
	Type, Error, Hint string
	Code              int
	deliveryJSON
}

// TestPut sends a file whole and verified, and says so in one line.
func TestPut(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	content := noise(3 << 20)
	name := r.source("dump.sql", content)
	past := time.Now().Add(-48 * time.Hour).Truncate(time.Second)
	if err := os.Chtimes(name, past, past); err != nil {
		t.Fatal(err)
	}
	got := r.expect(0, "put", name, "acme:dumps/db/dump.sql")
	if lines(got.stdout, "") != 1 || got.stderr != "" {
		t.Errorf("it says:\n%s%s", got.stdout, got.stderr)
	}
	contains(t, got.stdout, "delivered dump.sql to acme:"+r.inbox("dumps/db/dump.sql")+", 3.0 MiB, SHA-256 ", "proven by remote-hash")
	info, err := os.Stat(r.inbox("dumps/db/dump.sql"))
	if err != nil || !info.ModTime().Equal(past) {
		t.Errorf("%v, %v", info, err)
	}
	want := map[string]string{"dumps/db/dump.sql": content}

	line := decode[putJSON](t, r.expect(0, "put", "--json", name, "acme:dumps/").stdout)
	want["dumps/dump.sql"] = content
	if line.Type != "delivered" || len(line.ID) != 16 || line.Destination != "acme" || line.Folder != "put" || line.Path != name ||
		line.RemotePath != r.inbox("dumps/dump.sql") || line.Size != 3<<20 || len(line.SHA256) != 64 || line.Evidence != "remote-hash" ||
		line.Command == "" || line.Attempts != 1 || line.StartedAt.IsZero() || line.DeliveredAt.Before(line.StartedAt) ||
		line.HostKey != r.sshd.Fingerprints[0] {
		t.Errorf("%+v", line)
	}

	r.expect(0, "put", name, "acme:"+r.inbox("absolute.sql"))
	want["absolute.sql"] = content
	r.expect(0, "put", "--verify", "content", name, "acme:")
	want["dump.sql"] = content
	for _, odd := range []string{
		"with space 'and' \"quotes\".txt", "-dash", "line\nbreak", "Zürich–東京.txt", ".hidden", "a:b", "{name}", strings.Repeat("n", 255),
	} {
		want["odd/"+odd] = odd
		r.expect(0, "put", "--", r.source("odd/"+odd, odd), "acme:odd/")
	}
	r.expect(0, "put", r.source("empty", ""), "acme:odd/")
	want["odd/empty"] = ""
	link := r.at("link")
	if err := os.Symlink(name, link); err != nil {
		t.Fatal(err)
	}
	r.expect(0, "put", link, "acme:")
	want["link"] = content
	wantTree(t, r.sshd.Dir, want)
	if _, err := os.Stat(r.state); !os.IsNotExist(err) {
		t.Errorf("the agent's state directory: %v", err)
	}
}

// TestPutOfWhatIsThere sends nothing where the same content stands, and says what that rests on.
func TestPutOfWhatIsThere(t *testing.T) {
	t.Parallel()
	for evidence, o := range map[string]sftptest.SSHDOptions{"remote-hash": {}, "read-back": {NoExec: true}} {
		t.Run(evidence, func(t *testing.T) {
			t.Parallel()
			r := bareRig(t)
			r.sshd = sftptest.StartSSHD(t, o)
			wire := sftptest.StartWire(t, r.sshd.Addr)
			r.configure(sftptest.Through(wire, r.acme()))
			content := noise(4 << 20)
			r.write(r.inbox("theirs.bin"), content)
			name := r.source("mine.bin", content)
			contains(t, r.expect(0, "put", name, "acme:theirs.bin").stdout,
				"mine.bin is at acme:"+r.inbox("theirs.bin")+" already, 4.0 MiB", "proven by "+evidence, "nothing was sent")
			line := decode[putJSON](t, r.expect(0, "put", "--json", "--overwrite", name, "acme:theirs.bin").stdout)
			if line.Type != "adopted" || line.Evidence != evidence || line.Size != 4<<20 || line.ID != "" {
				t.Errorf("%+v", line)
			}
			if sent, _, _ := wire.Stats(); sent > 1<<20 {
				t.Errorf("%d bytes were sent", sent)
			}
			wantTree(t, r.sshd.Dir, map[string]string{"theirs.bin": content})
		})
	}
}

// TestPutReplacesNothingByItself holds a file where something else stands, also what an earlier put has put there.
func TestPutReplacesNothingByItself(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	r.write(r.inbox("theirs.txt"), "theirs")
	seen := sftptest.Observe(t, r.sshd.Dir)
	name := r.source("mine.txt", "mine, and longer")
	held := r.expect(3, "put", name, "acme:theirs.txt")
	contains(t, held.stderr, "acme:"+r.inbox("theirs.txt"), "a file of 6 bytes from 20", "--overwrite replaces it")
	line := decode[putJSON](t, r.expect(3, "put", "--json", name, "acme:theirs.txt").stdout)
	if line.Type != "held" || line.Code != 3 || line.RemotePath != r.inbox("theirs.txt") || !strings.Contains(line.Error, "6 bytes") {
		t.Errorf("%+v", line)
	}
	r.write(name, "theirz")
	r.expect(3, "put", name, "acme:theirs.txt") // of the same size
	wantTree(t, r.sshd.Dir, map[string]string{"theirs.txt": "theirs"})

	r.expect(0, "put", "--overwrite", name, "acme:theirs.txt")
	wantTree(t, r.sshd.Dir, map[string]string{"theirs.txt": "theirz"})
	r.write(name, "the second version")
	r.expect(3, "put", name, "acme:theirs.txt")
	r.expect(0, "put", "--overwrite", name, "acme:theirs.txt")
	wantTree(t, r.sshd.Dir, map[string]string{"theirs.txt": "the second version"})
	if n := len(seen.Seen()); n != 3 { // each whole; nothing in between
		t.Errorf("seen: %+v", seen.Seen())
	}

	if err := os.MkdirAll(r.inbox("dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{}, {"--overwrite"}} {
		got := r.expect(3, append([]string{"put", name, "acme:dir"}, args...)...)
		contains(t, got.stderr, "holds a directory")
		lacks(t, got.stderr, "replaces it")
	}
}

// TestPutFindsAnotherAtTheLastMoment replaces nothing that comes to the name while it sends.
func TestPutFindsAnotherAtTheLastMoment(t *testing.T) {
	t.Parallel()
	r, wire := wiredPutRig(t)
	wire.SetRate(4 << 20)
	a := r.launch("-c", r.config, "put", r.source("large.bin", noise(6<<20)), "acme:in/")
	r.underWay(r.inbox("in"), 1<<20)
	r.write(r.inbox("in/large.bin"), "theirs")
	wire.SetRate(0)
	<-a.done
	if code := a.command.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	contains(t, a.text(), "a file of 6 bytes", "--overwrite replaces it")
	wantTree(t, r.inbox("in"), map[string]string{"large.bin": "theirs"})
}

// TestPutToAPartner sends the same file anew after the partner has taken it: each put is a wish of its own.
func TestPutToAPartner(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	consumed := r.mkdir("consumed")
	p := startPartner(t, r.sshd.Dir, consumed)
	name := r.source("trigger.txt", "go")
	const times = 5
	for range times {
		contains(t, r.expect(0, "put", name, "acme:").stdout, "delivered trigger.txt")
	}
	p.stop()
	taken := tree(t, consumed)
	if len(taken) != times {
		t.Errorf("the partner took %d files of %d", len(taken), times)
	}
	for name, content := range taken {
		if content != "go" {
			t.Errorf("the partner took %s with %q", name, content)
		}
	}
	wantTree(t, r.sshd.Dir, map[string]string{})
}

// TestPutsAtOnce lets puts to different names go side by side, and one at a time to the same.
func TestPutsAtOnce(t *testing.T) {
	t.Parallel()
	r, wire := wiredPutRig(t)
	wire.SetRate(2 << 20)
	content := noise(6 << 20)
	name := r.source("large.bin", content)
	first := r.launch("-c", r.config, "put", name, "acme:in/first.bin")
	r.underWay(r.inbox("in"), 1<<19)
	for range 2 {
		contains(t, r.expect(11, "put", name, "acme:in/first.bin").stderr, "acme:"+r.inbox("in/first.bin"), "another put is at work on it")
	}
	line := decode[putJSON](t, r.expect(11, "put", "--json", name, "acme:in/first.bin").stdout)
	if line.Type != "failed" || line.Code != 11 {
		t.Errorf("%+v", line)
	}
	want := map[string]string{"first.bin": content}
	var others []*agent
	for i := range 3 {
		to := fmt.Sprintf("in/other-%d.bin", i)
		others = append(others, r.launch("-c", r.config, "put", r.source(fmt.Sprintf("other-%d", i), to), "acme:"+to))
		want[filepath.Base(to)] = to
	}
	wire.SetRate(0)
	for _, a := range append(others, first) {
		<-a.done
		if code := a.command.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d\n%s", code, a.text())
		}
	}
	wantTree(t, r.inbox("in"), want)
}

// TestManyPutsAtOnce share one store, from its making on.
func TestManyPutsAtOnce(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	want := map[string]string{}
	var all []*agent
	for i := range 8 {
		name := fmt.Sprintf("%d.txt", i)
		want[name] = name
		all = append(all, r.launch("-c", r.config, "put", r.source(name, name), "acme:in/"))
	}
	for _, a := range all {
		<-a.done
		if code := a.command.ProcessState.ExitCode(); code != 0 {
			t.Errorf("exit code %d\n%s", code, a.text())
		}
	}
	wantTree(t, r.inbox("in"), want)
}

// TestPutBesideAnAgent shares nothing with it but the server.
func TestPutBesideAnAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.drop("a.txt", "a")
	r.watching().wait("delivered")
	r.expect(0, "put", r.source("b.txt", "b"), "acme:in/")
	contains(t, r.expect(0, "put", r.source("a.txt", "a"), "acme:in/").stdout, "already")
	wantTree(t, r.inbox("in"), map[string]string{"a.txt": "a", "b.txt": "b"})
	if n := len(r.history()); n != 1 {
		t.Errorf("the agent has %d receipts", n)
	}
}

// TestPutHeedsTrustedKeys uses the host key that `trust` has stored with the agent's state.
func TestPutHeedsTrustedKeys(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	r.configure(r.stranger())
	name := r.source("a.txt", "a")
	contains(t, r.expect(13, "put", name, "acme:").stderr, "is not known", r.typed("trust acme"))
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	r.expect(0, "put", name, "acme:")
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a"})
}

// TestPutDirectly writes at the final name where the server renames nothing, and still replaces nothing unasked.
func TestPutDirectly(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	r.configure(r.acme() + "publish = \"direct\"\n")
	name := r.source("a.txt", "a")
	contains(t, r.expect(0, "put", name, "acme:in/").stdout, "delivered")
	contains(t, r.expect(0, "put", name, "acme:in/").stdout, "already")
	r.write(name, "another")
	r.expect(3, "put", name, "acme:in/")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "a"})
	r.expect(0, "put", "--overwrite", name, "acme:in/")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "another"})

	large := r.source("large.bin", noise(4<<20))
	r.crashes("uploading:2", "put", large, "acme:in/")
	r.expect(0, "put", large, "acme:in/") // what stands there is its own beginning
	r.stdin = strings.NewReader("a stream")
	contains(t, r.expect(4, "put", "-", "acme:in/b.txt").stderr, "publishes directly")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.txt": "another", "in/large.bin": noise(4 << 20)})
}

// TestPutKeepsItsStoreSmall leaves nothing in it but receipts.
func TestPutKeepsItsStoreSmall(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	name := r.source("a.txt", "a")
	put := func() map[string]int {
		for range 10 {
			r.expect(0, "put", name, "acme:")
			if err := os.Remove(r.inbox("a.txt")); err != nil {
				t.Fatal(err)
			}
		}
		sizes := map[string]int{}
		for name, content := range tree(t, r.at("home/.local/state/dropferry")) {
			sizes[name] = len(content)
		}
		return sizes
	}
	before, after := put(), put()
	if len(after) != 4 || len(before) != 4 { // the store, the note that it is sound, its lock, and the file of holds
		t.Errorf("%v, then %v", before, after)
	}
	for name, n := range after {
		if n > before[name]+16<<10 {
			t.Errorf("%s grew from %d to %d bytes with ten puts", name, before[name], n)
		}
	}
}
