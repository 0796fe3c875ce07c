//go:build unix

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestDoctorLooksWithTheRightsOfTheService finds what the service's account may not, although root may.
func TestDoctorLooksWithTheRightsOfTheService(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can look with the rights of others")
	}
	r := newRig(t, `to = ["acme"]`)
	if err := os.Chmod(filepath.Dir(r.dir), 0o755); err != nil { // made by testing, for its own account
		t.Fatal(err)
	}
	give(t, r.mkdir("state"))
	chmod(t, r.state, 0o700)
	chmod(t, r.config, 0o644)
	finds(t, r.doctor(1), "fault", "configuration", "", "key_file: ", "") // root's, and nobody else's
	give(t, r.sshd.KeyFile)
	give(t, filepath.Dir(r.sshd.KeyFile))
	r.doctor(0)
	below := r.mkdir("outbox/below")
	chmod(t, below, 0o700)
	hint := hintOf(t, r.doctor(1, "--offline"), "folder", "permission denied")
	contains(t, hint, "setfacl")
	r.doctor(0, "--as-is", "--offline") // with root's own
	obeys(t, hint)
	r.doctor(0, "--offline")
	chmod(t, filepath.Dir(r.outbox), 0o700) // a directory above that is closed, and the configuration in it
	obeys(t, hintOf(t, r.doctor(5, "--offline"), "configuration", "permission denied"))
	r.doctor(0, "--offline")
	chmod(t, r.config, 0o600)
	obeys(t, hintOf(t, r.doctor(5, "--offline"), "configuration", "permission denied"))
	r.doctor(0, "--offline")
	// The key is the service's no more.
	if err := os.Chown(r.sshd.KeyFile, 0, 0); err != nil {
		t.Fatal(err)
	}
	if hint = hintOf(t, r.doctor(1, "--offline"), "configuration", "key_file: "); !strings.Contains(hint, "install -o ") && !strings.Contains(hint, "chown ") {
		t.Errorf("of somebody else's key: %q", hint)
	}
	give(t, r.sshd.KeyFile)
	// So is the state.
	if err := os.Chown(r.state, 0, 0); err != nil {
		t.Fatal(err)
	}
	r.doctor(0, "--offline") // root's, and root looks
}

// TestDoctorMendsAnArchive with what it says, for an account that may not write there, and lets nobody into what is above.
func TestDoctorMendsAnArchive(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can look with the rights of others")
	}
	r := newRig(t, "after = \"archive\"\narchive = \"ARCHIVE\"\nto = [\"acme\"]")
	if err := os.Chmod(filepath.Dir(r.dir), 0o755); err != nil { // made by testing, for its own account
		t.Fatal(err)
	}
	archive := filepath.Join(r.mkdir("my archives"), "of acme", "sent")
	r.edit("ARCHIVE", archive)
	give(t, r.mkdir("state"))
	give(t, r.sshd.KeyFile)
	give(t, filepath.Dir(r.sshd.KeyFile))
	chmod(t, r.state, 0o700)
	chmod(t, r.config, 0o644)
	chmod(t, r.at("my archives"), 0o700)
	for _, f := range r.doctor(1, "--offline") {
		if f.Severity == "fault" {
			obeys(t, f.Hint)
		}
	}
	r.doctor(0, "--offline")
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm()&0o002 != 0 {
		t.Errorf("the archive: %v, %v", info, err)
	}
	if acl, err := exec.Command("getfacl", "--absolute-names", r.at("my archives")).Output(); err != nil || !strings.Contains(string(acl), ":--x\n") || strings.Contains(string(acl), "default:") {
		t.Errorf("what is above the archive: %v\n%s", err, acl)
	}
	log := filepath.Join(r.state, "mine.log")
	r.withLog("target = \"file\"\nfile = \"" + log + "\"")
	r.write(log, "")
	chmod(t, log, 0o600)
	obeys(t, hintOf(t, r.doctor(1, "--offline"), "log", "permission denied"))
	r.doctor(0, "--offline")
}

// hintOf returns what is to be typed about a fault.
func hintOf(t *testing.T, all []finding, area, text string) string {
	t.Helper()
	for _, f := range all {
		if f.Severity == "fault" && f.Area == area && strings.Contains(f.Text, text) {
			return f.Hint
		}
	}
	t.Fatalf("no fault of %s with %q in\n%+v", area, text, all)
	return ""
}

// obeys types a hint as it stands.
func obeys(t *testing.T, hint string) {
	t.Helper()
	if strings.Contains(hint, "setfacl") {
		sftptest.Program(t, "setfacl", "acl")
	}
	if out, err := exec.Command("sh", "-ec", hint).CombinedOutput(); hint == "" || err != nil {
		t.Fatalf("%q: %v\n%s", hint, err, out)
	}
}
