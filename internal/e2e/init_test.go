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
	winSCP := "ssh-ed25519 255 " + strings.TrimPrefix(r.sshd.Fingerprints[0], "SHA256:") + "="
	args = append(args, "--key", r.sshd.KeyFile, "--fingerprint", winSCP)
	got := r.expect(0, args...).stdout
	contains(t, r.configuration(), `host_key = ["`+r.sshd.Fingerprints[0]+`"]`)
	contains(t, got, r.config+" is written", "connected and authenticated", "rename", "once", "No test file was delivered", "put FILE 127.0.0.1:in/")
	wantTree(t, r.sshd.Dir, map[string]string{}) // nothing is sent unasked
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

// TestInitDeliversATestFile by the protocol of all files, where that is wanted.
func TestInitDeliversATestFile(t *testing.T) {
	t.Parallel()
	r, args := initRig(t)
	r.env = append(r.env, "XDG_STATE_HOME="+r.at("state"))
	args = append(args, "--key", r.sshd.KeyFile, "--fingerprint", r.sshd.Fingerprints[0])
	contains(t, r.expect(4, append(args, "--test-upload", "--no-test-upload")...).stderr, "none of the others can be")
	seen := sftptest.Observe(t, r.sshd.Dir)
	got := r.expect(0, append(args, "--test-upload")...).stdout
	contains(t, got, "A test file was delivered to 127.0.0.1:in/dropferry-test-2", "proven by read-back", "It was removed again")
	wantTree(t, r.sshd.Dir, map[string]string{})
	for _, s := range seen.Seen() {
		if !strings.HasPrefix(s.Name, "in/dropferry-test-2") {
			t.Errorf("%s was visible", s.Name)
		}
	}

	if err := os.Remove(r.config); err != nil {
		t.Fatal(err)
	}
	contains(t, r.expect(0, append(args, "--keep-test-upload", "--folder", r.at("nowhere"))...).text(), "A test file was delivered", "nowhere is not there yet")
	files := tree(t, r.sshd.Dir)
	for name, content := range files {
		if !strings.HasPrefix(name, "in/dropferry-test-2") || !strings.HasPrefix(content, "A test by dropferry") {
			t.Errorf("%s holds %s", name, content)
		}
	}
	if len(files) != 1 {
		t.Errorf("%d files are left", len(files))
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
	// Who comes back before it is added sees it once more.
	if err := os.Remove(r.config); err != nil {
		t.Fatal(err)
	}
	contains(t, r.expect(12, append(args, "--key", key, "--fingerprint", r.sshd.Fingerprints[0])...).stdout, strings.TrimSpace(string(public)), "The file stays", "check --connect")
	authorized, err := filepath.Glob(filepath.Join(filepath.Dir(r.sshd.KeyFile), "authorized_keys"))
	if err != nil || len(authorized) != 1 {
		t.Fatal(authorized, err)
	}
	r.write(authorized[0], string(public))
	contains(t, r.expect(0, "check", "--connect").stdout, "connected and authenticated")
}
