package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// strangerRig has a server whose key nobody has accepted yet.
func strangerRig(t *testing.T, kinds ...string) *rig {
	t.Helper()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{HostKeys: kinds})
	r.outboxTo(r.stranger(), `to = ["acme"]`)
	return r
}

// stranger is the server's table without any word on its host key.
func (r *rig) stranger() string { return replaced(r.t, r.acme(), "host_key = ", "# ") }

// trusted returns what `trust` has stored.
func (r *rig) trusted() string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.state, "known_hosts"))
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return string(text)
}

func TestTrustNeedsAFingerprintOrAPerson(t *testing.T) {
	t.Parallel()
	r := strangerRig(t)
	r.drop("a.txt", "a")
	contains(t, r.expect(13, "once").text(), "is not known", r.sshd.Fingerprints[0], r.typed("trust acme"))
	wantTree(t, r.sshd.Dir, map[string]string{})

	got := r.expect(4, "trust", "acme")
	contains(t, got.stdout, "ssh-ed25519 "+r.sshd.Fingerprints[0])
	contains(t, got.stderr, "nothing was stored", "--fingerprint")
	wrong := "SHA256:" + strings.Repeat("A", 43)
	contains(t, r.expect(13, "trust", "acme", "--fingerprint", wrong).stderr, wrong, "nothing was stored")
	contains(t, r.expect(13, "trust", "acme", "--fingerprint", "ssh-ed25519 255 MD5:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff").stderr, "an MD5 fingerprint", "SHA-256")
	if got := r.trusted(); got != "" {
		t.Fatalf("stored: %s", got)
	}

	contains(t, r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0]).stdout, r.sshd.Fingerprints[0], "is trusted for acme from now on")
	line, err := os.ReadFile(r.sshd.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	if r.trusted() != string(line) {
		t.Errorf("stored %q, want %q", r.trusted(), line)
	}
	contains(t, r.expect(0, "trust", "acme", "--fingerprint", "256 "+r.sshd.Fingerprints[0]+" root@acme (ED25519)").stdout, "is trusted already")
	contains(t, r.expect(0, "trust", "acme").stdout, "is trusted already")
	if n := strings.Count(r.trusted(), "\n"); n != 1 {
		t.Errorf("%d lines are stored", n)
	}
	info, err := os.Stat(filepath.Join(r.state, "known_hosts"))
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("known_hosts: %v, %v", info.Mode(), err)
	}
	r.deliver(1)
}

// TestChangedHostKey holds that nothing is sent to a server that shows another key, and that only --replace accepts it.
func TestChangedHostKey(t *testing.T) {
	t.Parallel()
	r := strangerRig(t)
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	r.drop("a.txt", "a")
	r.deliver(1)
	before := r.sshd.Fingerprints[0]
	r.sshd.Stop()
	r.sshd.NewHostKeys("ed25519")
	r.sshd.Start()
	after := r.sshd.Fingerprints[0]
	logins := lines(r.sshd.Log(), "Accepted publickey")

	r.drop("b.txt", "b")
	contains(t, r.expect(13, "once").text(), before, after, "somebody stands between", "trust acme --replace")
	contains(t, r.expect(13, "check", "--connect").text(), before, after)
	if n := lines(r.sshd.Log(), "Accepted publickey"); n != logins {
		t.Errorf("the program has logged in")
	}
	wantTree(t, r.sshd.Dir, map[string]string{"a.txt": "a"})

	contains(t, r.expect(13, "trust", "acme", "--fingerprint", after).stderr, before, "--replace")
	if !strings.Contains(r.trusted(), "ssh-ed25519") || lines(r.trusted(), "ssh-ed25519") != 1 {
		t.Errorf("stored: %s", r.trusted())
	}
	r.expect(13, "once")
	r.expect(13, "trust", "acme", "--replace", "--fingerprint", before)
	r.expect(0, "trust", "acme", "--replace", "--fingerprint", after)
	if lines(r.trusted(), "ssh-ed25519") != 1 {
		t.Errorf("stored: %s", r.trusted())
	}
	r.deliver(1)
}

// TestChangedKindOfHostKey changes the key to one of another kind: the program must not take that for a server with
// which it has nothing in common.
func TestChangedKindOfHostKey(t *testing.T) {
	t.Parallel()
	r := strangerRig(t)
	r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0])
	before := r.sshd.Fingerprints[0]
	r.sshd.Stop()
	r.sshd.NewHostKeys("rsa")
	r.sshd.Start()
	r.drop("a.txt", "a")
	contains(t, r.expect(13, "once").text(), before, r.sshd.Fingerprints[0])
}

// TestTrustedKeyOfSeveral trusts the one key that the server would not show first.
func TestTrustedKeyOfSeveral(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := strangerRig(t, "ed25519", "rsa", "ecdsa")
			contains(t, r.expect(4, "trust", "acme").stdout, r.sshd.Fingerprints...)
			r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[i])
			contains(t, r.expect(0, "trust", "acme").stdout, r.sshd.Fingerprints[i]+" is trusted already")
			r.drop("a.txt", "a")
			r.deliver(1)
			if key := r.history()[0].HostKey; key != r.sshd.Fingerprints[i] {
				t.Errorf("the receipt names the key %s", key)
			}
			// A further key of the same server stands beside the first.
			r.expect(0, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[(i+1)%3])
			if n := strings.Count(r.trusted(), "\n"); n != 2 {
				t.Errorf("%d lines are stored", n)
			}
			// --replace forgets the others, though the key that stays is trusted already.
			contains(t, r.expect(0, "trust", "acme", "--replace", "--fingerprint", r.sshd.Fingerprints[i]).stdout, "from now on")
			if n := strings.Count(r.trusted(), "\n"); n != 1 {
				t.Errorf("%d lines are stored after --replace", n)
			}
		})
		t.Run("pinned "+kind, func(t *testing.T) {
			t.Parallel()
			r := strangerRig(t, "ed25519", "rsa", "ecdsa")
			r.outboxTo(r.stranger()+fmt.Sprintf("host_key = [%q]\n", r.sshd.Fingerprints[i]), `to = ["acme"]`)
			r.drop("a.txt", "a")
			r.deliver(1)
			said := r.expect(1, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[(i+1)%3]).stderr
			contains(t, said, fmt.Sprintf("host_key = [%q]", r.sshd.Fingerprints[(i+1)%3]))
			lacks(t, said, r.sshd.Fingerprints[i], "| or")
			contains(t, r.expect(1, "trust", "acme").stderr, append(slices.Clone(r.sshd.Fingerprints), "| or")...)
			contains(t, r.expect(13, "trust", "acme", "--fingerprint", "SHA256:"+strings.Repeat("A", 43)).stderr, "shows no key with the fingerprint")
		})
	}
}

// TestTrustRefusesWhereKeysArePinned prints the line that a person has to edit, and stores nothing.
func TestTrustRefusesWhereKeysArePinned(t *testing.T) {
	t.Parallel()
	r := strangerRig(t)
	pin := fmt.Sprintf("host_key = [%q]", r.sshd.Fingerprints[0])
	r.outboxTo(r.stranger()+"host_key = [\"SHA256:"+strings.Repeat("A", 43)+"\"]\n", `to = ["acme"]`)
	contains(t, r.expect(1, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0]).stderr, r.config+":22:", pin)

	r.write(r.at("theirs"), "")
	r.outboxTo(r.stranger()+fmt.Sprintf("known_hosts = %q\n", r.at("theirs")), `to = ["acme"]`)
	line, err := os.ReadFile(r.sshd.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, r.expect(1, "trust", "acme", "--fingerprint", r.sshd.Fingerprints[0]).stderr, r.at("theirs"), r.config+":22)", strings.TrimSpace(string(line)))
	if r.trusted() != "" || tree(t, r.dir)["theirs"] != "" {
		t.Error("something was stored")
	}
	r.drop("a.txt", "a")
	r.expect(13, "once")
	r.write(r.at("theirs"), string(line))
	r.deliver(1)
}

func TestTrustOfAServerThatIsAway(t *testing.T) {
	t.Parallel()
	r := bareRig(t)
	r.write(r.at("key"), "x")
	r.outboxTo(fmt.Sprintf("[[destination]]\nname = \"acme\"\nhost = \"127.0.0.1\"\nport = %d\nuser = \"u\"\nkey_file = \"key\"\n", freePort(t)), `to = ["acme"]`)
	contains(t, r.expect(14, "trust", "acme").stderr, "connection refused")
}
