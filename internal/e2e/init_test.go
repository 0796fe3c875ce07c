package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// initRig has a server, a folder and no configuration. args are those of init that name them.
func initRig(t *testing.T) (r *rig, args []string) {
	t.Helper()
	r = bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	user := regexp.MustCompile(`(?m)^user = "(.*)"$`).FindStringSubmatch(r.sshd.TOML("acme"))[1]
	return r, []string{
		"init", "--host", "127.0.0.1", "--port", strconv.Itoa(r.sshd.Port), "--user", user, "--root", r.sshd.Dir,
		"--folder", r.outbox, "--folder-name", "invoices", "--to", "in",
	}
}

// TestInit writes a file with which everything works, and never over another.
func TestInit(t *testing.T) {
	t.Parallel()
	r, args := initRig(t)
	r.env = append(r.env, "XDG_STATE_HOME="+r.at("state"))
	contains(t, r.expect(4, "init", "--host", "127.0.0.1").stderr, "--user, --folder must be given")
	contains(t, r.expect(13, append(args, "--key", r.sshd.KeyFile, "--fingerprint", "SHA256:no")...).stderr, "no key with the fingerprint")
	contains(t, r.expect(4, append(args, "--key", r.sshd.KeyFile)...).stderr, "--fingerprint")
	if _, err := os.Stat(r.config); err == nil {
		t.Error("a file was written without a key that was accepted")
	}
	args = append(args, "--key", r.sshd.KeyFile, "--fingerprint", r.sshd.Fingerprints[0])
	contains(t, r.expect(0, args...).stdout, r.config+" is written", "connected and authenticated", "rename", "once")
	if info, err := os.Stat(r.config); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	r.drop("a.xml", "a")
	r.expect(0, "check")
	r.expect(0, "once")
	wantTree(t, r.sshd.Dir, map[string]string{"in/a.xml": "a"})
	before := r.configuration()
	contains(t, r.expect(1, args...).stderr, "is there already, and stays as it is")
	if after := r.configuration(); after != before {
		t.Errorf("the file was changed: %s", after)
	}
}

// TestInitMakesAKey that the server's owner can add.
func TestInitMakesAKey(t *testing.T) {
	t.Parallel()
	r, args := initRig(t)
	key := r.at("keys/own")
	out := r.expect(0, append(args, "--key", key, "--fingerprint", r.sshd.Fingerprints[0])...).stdout
	contains(t, out, "ssh-ed25519 ", "does not know the key yet", "check --connect")
	public, err := os.ReadFile(key + ".pub")
	if err != nil || !strings.Contains(out, strings.TrimSpace(string(public))) {
		t.Errorf("%q, %v", public, err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	authorized, err := filepath.Glob(filepath.Join(filepath.Dir(r.sshd.KeyFile), "authorized_keys"))
	if err != nil || len(authorized) != 1 {
		t.Fatal(authorized, err)
	}
	r.write(authorized[0], string(public))
	contains(t, r.expect(0, "check", "--connect").stdout, "connected and authenticated")
}
