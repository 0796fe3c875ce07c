package e2e

import (
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// passwordRig has a server that knows the account by a password alone. where is how the configuration names its place.
func passwordRig(t *testing.T, password, where string) (*rig, *sftptest.TestServer) {
	t.Helper()
	server := sftptest.StartServer(t, sftptest.ServerOptions{Password: password})
	r := bareRig(t)
	r.secrets = []string{password}
	table := replaced(t, server.TOML("acme"), fmt.Sprintf("key_file = %q", server.KeyFile), "password = "+where)
	r.outboxTo(table+patient, `to = ["acme"]`)
	r.drop("a.txt", "a")
	return r, server
}

// everywhere runs each command that may meet the secret, as talkative as it gets; run looks for it in what they say.
func (r *rig) everywhere() {
	r.t.Helper()
	for _, args := range [][]string{
		{"check", "--connect", "-v"},
		{"check", "--connect", "--json"},
		{"plan", "-v"},
		{"trust", "acme", "-v"},
		{"once", "-v", "--json"},
		{"once", "-v"},
		{"status", "--json", "-v"},
		{"history", "--json", "-v"},
		{"explain", "outbox/a.txt", "-v"},
	} {
		r.run(args...)
	}
	for name, content := range tree(r.t, r.state) {
		for _, secret := range r.secrets {
			if strings.Contains(content, secret) && !strings.HasPrefix(name, "secrets/") {
				r.t.Errorf("the secret is in %s", name)
			}
		}
	}
}

func TestPasswordPlaces(t *testing.T) {
	t.Parallel()
	const password = "correct horse \"battery\" staple"
	for _, c := range []struct {
		name, where string
		place       func(r *rig, secret string)
	}{
		{"environment", `{ env = "ACME_PASSWORD" }`, func(r *rig, secret string) { r.env = append(r.env, "ACME_PASSWORD="+secret) }},
		{"file", `{ file = "secrets/acme" }`, func(r *rig, secret string) { r.write(r.at("secrets/acme"), secret+"\n") }},
		{"credential in the state directory", `{ credential = "acme-pass" }`, func(r *rig, secret string) {
			r.write(filepath.Join(r.state, "secrets/acme-pass"), secret+"\n")
		}},
		{"credential of systemd", `{ credential = "acme-pass" }`, func(r *rig, secret string) {
			r.write(r.at("credentials/acme-pass"), secret)
			r.env = append(r.env, "CREDENTIALS_DIRECTORY="+r.at("credentials"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, server := passwordRig(t, password, c.where)
			contains(t, r.expect(12, "once").text(), "acme") // there is none yet
			if got := server.Stats(); got.Refused > 0 {
				t.Errorf("%d attempts to log in without a password", got.Refused)
			}
			c.place(r, "not "+password)
			r.secrets = []string{"battery"}
			r.everywhere()
			contains(t, r.expect(12, "once").text(), "check user, key_file and password")
			c.place(r, password)
			r.expect(0, "check", "--connect")
			r.everywhere()
			wantTree(t, server.Dir, map[string]string{"a.txt": "a"})
			if n := len(r.history()); n != 1 {
				t.Errorf("%d receipts", n)
			}
			a := r.start()
			a.wait("folder watching")
			r.drop("b.txt", "b")
			a.wait("delivered")
			if code := a.stop(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestSecretThatOthersCanRead is refused, with the command that mends it.
func TestSecretThatOthersCanRead(t *testing.T) {
	t.Parallel()
	const password = "hunter2-hunter2"
	for _, c := range []struct{ name, where, file string }{
		{"file", `{ file = "acme.secret" }`, "acme.secret"},
		{"credential", `{ credential = "acme-pass" }`, "state/secrets/acme-pass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, server := passwordRig(t, password, c.where)
			r.write(r.at(c.file), password)
			if err := os.Chmod(r.at(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			contains(t, r.expect(12, "once").text(), "chmod 600 "+r.at(c.file))
			if c.name == "file" {
				contains(t, r.expect(5, "check").stderr, "chmod 600 "+r.at(c.file), "agent.toml:")
			}
			wantTree(t, server.Dir, map[string]string{})
			if err := os.Chmod(r.at(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			r.deliver(1)
		})
	}
}

// TestPassphrase opens an encrypted key.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	const passphrase = "open sesame 4711"
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	authorized, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	server := sftptest.StartServer(t, sftptest.ServerOptions{AuthorizedKeys: []ssh.PublicKey{authorized}})
	r := bareRig(t)
	r.secrets = []string{passphrase, string(block.Bytes)}
	r.write(r.at("key"), string(pem.EncodeToMemory(block)))
	table := replaced(t, server.TOML("acme"), server.KeyFile, r.at("key")) + patient
	r.drop("a.txt", "a")
	r.outboxTo(table, `to = ["acme"]`)
	contains(t, r.expect(12, "once").text(), "is encrypted: set key_passphrase")
	r.outboxTo(table+"key_passphrase = { env = \"KEY_PASS\" }\n", `to = ["acme"]`)
	contains(t, r.expect(12, "once").text(), "environment variable KEY_PASS is not set")
	r.env = append(r.env, "KEY_PASS=wrong "+passphrase)
	r.expect(12, "once")
	r.everywhere()
	r.env = append(r.env, "KEY_PASS="+passphrase)
	r.everywhere()
	wantTree(t, server.Dir, map[string]string{"a.txt": "a"})
}

// TestSecretInTheConfiguration is refused without being repeated.
func TestSecretInTheConfiguration(t *testing.T) {
	t.Parallel()
	r, _ := passwordRig(t, "tr0ub4dor&3", `"tr0ub4dor&3"`)
	contains(t, r.expect(5, "check").stderr, "secrets do not stand in the file", "env = ")
	r.expect(5, "once", "-v")
}

// TestPasswordWaysOfServers logs in where the password is asked for by another way, or after the key.
func TestPasswordWaysOfServers(t *testing.T) {
	t.Parallel()
	const password = "second-factor-99"
	for name, o := range map[string]sftptest.ServerOptions{
		"keyboard-interactive": {Password: password, Interactive: true},
		"key, then password":   {Password: password, PartialKeyThenPassword: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := sftptest.StartServer(t, o)
			r := bareRig(t)
			r.secrets = []string{password}
			r.env = append(r.env, "ACME_PASSWORD="+password)
			r.outboxTo(server.TOML("acme")+patient+"password = { env = \"ACME_PASSWORD\" }\n", `to = ["acme"]`)
			r.drop("a.txt", "a")
			r.everywhere()
			wantTree(t, server.Dir, map[string]string{"a.txt": "a"})
		})
	}
}
