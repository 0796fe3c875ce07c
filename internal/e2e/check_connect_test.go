package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestCheckConnectLooksAndLeavesNothing compares the root before and after, and what was ever visible in it.
func TestCheckConnectLooksAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.write(r.inbox("theirs.txt"), "theirs")
	seen := sftptest.Observe(t, r.sshd.Dir)
	before := names(t, r.sshd.Dir)

	got := r.expect(0, "check", "--connect")
	contains(t, got.stdout, "destination acme", r.sshd.Fingerprints[0], "authenticated", "SSH-2.0-OpenSSH", "can be written",
		"files are published in one step", "posix-rename@openssh.com", "limits@openssh.com", "writes of ", "free space", "content proof")
	lacks(t, got.text(), "FAILED")

	j := decode[checkJSON](t, r.expect(0, "check", "--connect", "--json").stdout)
	if !j.OK || len(j.Destinations) != 1 {
		t.Fatalf("JSON: %+v", j)
	}
	d := j.Destinations[0]
	if d.Destination != "acme" || d.Address != r.sshd.Addr || d.HostKey != r.sshd.Fingerprints[0] || d.Free == nil || *d.Free == 0 {
		t.Errorf("destination: %+v", d)
	}
	if c := d.Capabilities; c == nil || !c.Rename || !c.Fsync || c.Hash == "" || c.Extensions["statvfs@openssh.com"] == "" {
		t.Errorf("capabilities: %+v", c)
	}

	if after := names(t, r.sshd.Dir); !slices.Equal(before, after) {
		t.Errorf("the root held %q and holds %q", before, after)
	}
	for _, s := range seen.Seen() {
		if s.Name != "theirs.txt" {
			t.Errorf("%s was visible", s.Name)
		}
	}
	if _, err := os.Stat(r.state); err == nil {
		t.Error("check has made the state directory")
	}
	contains(t, r.expect(4, "check", "--connect", "nowhere").stderr, "nowhere")
}

func TestCheckConnectTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	good := sshd.TOML("acme") + patient
	other, err := sftptest.NewKey("ed25519")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		table func(r *rig) string
		code  int
		want  []string
	}{
		{"root missing", func(*rig) string {
			return replaced(t, good, fmt.Sprintf("root = %q", sshd.Dir), fmt.Sprintf("root = %q", sshd.Dir+"/missing"))
		}, 14, []string{"/missing", "hint: create it at the server"}},
		{"root is a file", func(r *rig) string {
			r.write(r.at("plain.txt"), "x")
			return replaced(t, good, fmt.Sprintf("root = %q", sshd.Dir), fmt.Sprintf("root = %q", r.at("plain.txt")))
		}, 14, []string{"is not a directory"}},
		{"wrong user key", func(r *rig) string {
			if err := other.Write(r.at("key")); err != nil {
				t.Fatal(err)
			}
			return replaced(t, good, sshd.KeyFile, r.at("key"))
		}, 12, []string{"hint: check user, key_file and password"}},
		{"host key not known", func(*rig) string {
			return replaced(t, good, "host_key = ", "# ")
		}, 13, []string{"is not known", sshd.Fingerprints[0], " trust acme"}},
		{"host key not the pinned one", func(*rig) string {
			return replaced(t, good, sshd.Fingerprints[0], other.Fingerprint())
		}, 13, []string{"not the expected one", sshd.Fingerprints[0], other.Fingerprint(), "change host_key"}},
		{"nothing listens", func(*rig) string {
			return replaced(t, good, fmt.Sprintf("port = %d", sshd.Port), fmt.Sprintf("port = %d", freePort(t)))
		}, 14, []string{"connection refused"}},
		{"listens and says nothing", func(*rig) string {
			w := sftptest.StartWire(t, sshd.Addr)
			w.Blackhole(true)
			return sftptest.Through(w, replaced(t, good, patient, hasty))
		}, 14, []string{"connect_timeout", "6s"}},
		{"name that does not resolve", func(*rig) string {
			return replaced(t, good, `host = "127.0.0.1"`, `host = "nowhere.invalid"`)
		}, 14, []string{"nowhere.invalid"}},
		{"no OpenSSH key", func(r *rig) string {
			r.write(r.at("key"), "rubbish\n")
			return replaced(t, good, sshd.KeyFile, r.at("key"))
		}, 12, []string{"read private key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := bareRig(t)
			r.outboxTo(c.table(r), `to = ["acme:in"]`)
			contains(t, r.expect(c.code, "check", "--connect").text(), append(c.want, "FAILED")...)
			j := decode[checkJSON](t, r.expect(c.code, "check", "--connect", "--json").stdout)
			if j.OK || len(j.Destinations) != 1 || j.Destinations[0].Error == "" {
				t.Errorf("JSON: %+v", j)
			}
			wantTree(t, sshd.Dir, map[string]string{})
		})
	}
}

// TestCheckConnectSeesTheLimitsOfAServer that its owner can lift, and points to the page that can be sent to him.
func TestCheckConnectSeesTheLimitsOfAServer(t *testing.T) {
	t.Parallel()
	// sshd counts in whole seconds: one may be over as soon as it has begun.
	sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 4", "ChannelTimeout session:*=3s"}})
	r := bareRig(t)
	r.outboxTo(sshd.TOML("acme")+patient, `to = ["acme:in"]`)
	got := r.expect(0, "check", "--connect", "--idle", "1m").stdout
	contains(t, got, "4 on a connection", "ask for more (MaxSessions", "the session was ended after", "without an upload")
	if n := strings.Count(got, "docs/server.md"); n != 2 {
		t.Errorf("the page for the server's owner is named %d times:\n%s", n, got)
	}
	sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.outboxTo(sshd.TOML("acme")+patient, `to = ["acme:in"]`)
	contains(t, r.expect(0, "check", "--connect", "--idle", "100ms").stdout, "channels", "as many as are used", "the session stood 100ms")
}

// TestCheckConnectAsksEachDestination tells of one that works beside one that does not.
func TestCheckConnectAsksEachDestination(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme:in"]`)
	r.configure(r.acme() + r.dead("dead") + r.folder("outbox", r.outbox, `to = ["acme:in", "dead:in"]`))
	got := r.expect(14, "check", "--connect")
	contains(t, got.stdout, "destination acme", "can be written", "destination dead", "FAILED")
	lacks(t, r.expect(0, "check", "--connect", "acme").text(), "dead")
	started := time.Now()
	r.expect(14, "check", "--connect", "dead")
	if took := time.Since(started); took > 15*time.Second {
		t.Errorf("a refused connection took %v", took)
	}
}

// TestCheckConnectToAWeakServer says what a server cannot do, and what follows.
func TestCheckConnectToAWeakServer(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.NoPosixRename(), sftptest.NoFsync(), sftptest.NoStatVFS(),
		sftptest.RefuseSetstat(), sftptest.OverwritingRename())
	r := bareRig(t)
	r.outboxTo(server.TOML("acme")+patient, `to = ["acme"]`)
	got := r.expect(0, "check", "--connect")
	contains(t, got.stdout, "replaced in two steps", "power cut", "files get the server's time", "the server does not tell",
		"reads files back", "would be replaced")
	if left := names(t, server.Dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	refuses := sftptest.StartServer(t, sftptest.ServerOptions{}, sftptest.RefuseRename())
	r.outboxTo(refuses.TOML("acme")+patient, `to = ["acme"]`)
	contains(t, r.expect(1, "check", "--connect").stdout, "REFUSED: files cannot be published in one step here", "FAILED", "hint: ")
	if left := names(t, refuses.Dir); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
