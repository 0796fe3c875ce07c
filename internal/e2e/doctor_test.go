package e2e

import (
	"encoding/json"
	"os"
	"runtime"
	"strings"
	"testing"
)

// finding is one of doctor's.
type finding struct{ Severity, Area, Subject, Text, Hint string }

// doctor runs it and returns what it has found that is not well.
func (r *rig) doctor(code int, args ...string) []finding {
	r.t.Helper()
	var result struct {
		OK       bool
		Findings []finding
	}
	got := r.expect(code, append([]string{"doctor", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(got.stdout), &result); err != nil {
		r.t.Fatalf("%v\n%s", err, got.text())
	}
	if result.OK != (code == 0) {
		r.t.Errorf("ok is %v with exit code %d", result.OK, code)
	}
	return result.Findings
}

// finds fails unless there is such a finding, with that in its text and hint.
func finds(t *testing.T, all []finding, severity, area, subject, text, hint string) {
	t.Helper()
	for _, f := range all {
		if f.Severity == severity && f.Area == area && f.Subject == subject && strings.Contains(f.Text, text) && strings.Contains(f.Hint, hint) {
			return
		}
	}
	t.Errorf("nothing found like %s %s %s %q -> %q in:\n%+v", severity, area, subject, text, hint, all)
}

// TestDoctorOfAHealthyAgent finds nothing broken, before its first start and while it runs, logs in nowhere and leaves
// nothing behind.
func TestDoctorOfAHealthyAgent(t *testing.T) {
	t.Parallel()
	r := newRig(t, "after = \"archive\"\narchive = \"ARCHIVE\"\nto = [\"acme\"]")
	r.edit("ARCHIVE", r.archive)
	found := r.doctor(0)
	finds(t, found, "ok", "configuration", "", "1 folders, 1 destinations", "")
	finds(t, found, "note", "state", "", "not there yet", "")
	finds(t, found, "ok", "folder", "outbox", "1 directory", "")
	finds(t, found, "ok", "destination", "acme", "key or password can be read", "")
	finds(t, found, "ok", "destination", "acme", "its host key is the right one", "")
	if n := lines(r.sshd.Log(), "Accepted publickey"); n != 0 {
		t.Errorf("%d logins", n)
	}
	r.drop("a.txt", "a")
	a := r.watching()
	a.wait("delivered")
	finds(t, r.doctor(0), "ok", "state", "", "an agent is running", "")
	a.stop()
	finds(t, r.doctor(0, "--offline"), "ok", "state", "", "the store is readable", "")
	if got := tree(t, r.outbox); len(got) != 0 {
		t.Errorf("left in the folder: %v", got)
	}
	contains(t, r.expect(0, "doctor").stdout, "ok       destination acme       its host key is the right one")
}

// TestDoctorFindsWhatIsBroken and says what to type.
func TestDoctorFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	secret := replaced(t, r.dead("gone"), `name = "gone"`, "name = \"gone\"\npassword = { credential = \"gone-pass\" }")
	secret = replaced(t, secret, "key_file", "# key_file")
	text := "version = 1\n[agent]\nname = \"rig\"\nstate_dir = \"state\"\n[log]\ntarget = \"file\"\nfile = \"agent.toml/log\"\n" +
		replaced(t, r.acme(), r.sshd.Fingerprints[0], "SHA256:"+strings.Repeat("A", 43)) + secret +
		r.folder("outbox", r.at("missing"), `to = ["acme"]`) + r.folder("other", r.mkdir("other"), `to = ["gone"]`)
	r.write(r.config, text)
	found := r.doctor(1)
	finds(t, found, "fault", "folder", "outbox", "is not there", "mkdir ")
	finds(t, found, "fault", "destination", "acme", "the configuration wants SHA256:AAAA", "mend host_key")
	finds(t, found, "fault", "destination", "gone", "credential gone-pass", " secret set gone-pass")
	reach := "nc -vz 127.0.0.1"
	if runtime.GOOS == "windows" {
		reach = "Test-NetConnection"
	}
	finds(t, found, "fault", "destination", "gone", "", reach)
	finds(t, found, "fault", "log", "", "", "[log] file")
	if runtime.GOOS != "windows" {
		if err := os.Chmod(r.sshd.KeyFile, 0o644); err != nil {
			t.Fatal(err)
		}
		finds(t, r.doctor(1, "--offline"), "fault", "configuration", "", "others than its owner", "chmod 600 ")
	}
	r.write(r.config, text+"\nnonsense = 1\n")
	finds(t, r.doctor(5), "fault", "configuration", "", `unknown key "nonsense"`, "")
	if got := r.runBare("-c", r.at("none.toml"), "doctor"); got.code != 5 {
		t.Errorf("without a configuration: exit code %d", got.code)
	}
}
