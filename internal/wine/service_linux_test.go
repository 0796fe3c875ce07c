package wine

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// installed is the program as the package has installed it, with a server to deliver to.
type installed struct {
	t       *testing.T
	machine *prefix
	program string // in the prefix
	sshd    *sftptest.SSHD
	wire    *sftptest.Wire
	dir     string // on this machine: what it watches and where it archives
}

// TestService is the life of an agent on a Windows machine, from the package's installation to its removal.
func TestService(t *testing.T) {
	p := needsWine(t)
	s := &installed{
		t: t, machine: p, dir: t.TempDir(), program: p.drive("Program Files", "dropferry", "dropferry.exe"),
		sshd: sftptest.StartSSHD(t, sftptest.SSHDOptions{}),
	}
	s.wire = sftptest.StartWire(t, s.sshd.Addr)
	first, second := packages(t, p)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"package is installed", func() { s.install(first) }},
		{"service needs a configuration", s.startsNotWithout},
		{"secret is protected", s.keepsSecret},
		{"service starts", s.starts},
		{"files are delivered", s.delivers},
		{"configuration is reloaded", s.reloads},
		{"killed service goes on from its checkpoint", s.resumes},
		{"service stops and starts", s.stops},
		{"package is upgraded", func() { s.upgrade(second) }},
		{"service is uninstalled and installed by hand", s.byHand},
		{"package is removed", func() { s.remove(second) }},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			s.t = t
			step.do()
		}) {
			break // what follows rests on it
		}
	}
	s.t = t
	s.tellState()
}

// packages builds the program and its package in two versions.
func packages(t *testing.T, p *prefix) (first, second string) {
	t.Helper()
	build := func(version string) string {
		program, out := filepath.Join(p.dir, "dropferry-"+version+".exe"), filepath.Join(p.dir, "dropferry-"+version+".msi")
		if err := goTool("build", "-trimpath", "-ldflags", "-s -w -X main.release="+version, "-o", program, "../../cmd/dropferry"); err != nil {
			t.Fatal(err)
		}
		if text, err := exec.Command("sh", filepath.Join(repository(t), "packaging", "windows", "msi.sh"), version, program, out).CombinedOutput(); err != nil {
			t.Fatalf("msi.sh: %v: %s", err, text)
		}
		return out
	}
	return build("v0.1.0"), build("v0.2.0")
}

// run runs the installed program, which has to succeed, and returns what it has said.
func (s *installed) run(args ...string) string {
	s.t.Helper()
	return s.expect(0, "", args...)
}

func (s *installed) expect(code int, stdin string, args ...string) string {
	s.t.Helper()
	r := s.machine.run(90*time.Second, s.dir, stdin, s.program, args...)
	if r.code != code {
		s.t.Fatalf("dropferry %v: exit code %d, want %d: %v\n%s", args, r.code, code, r.err, r.text)
	}
	return r.text
}

// installer runs Windows' installer.
func (s *installed) installer(args ...string) string {
	s.t.Helper()
	r := s.machine.run(3*time.Minute, s.dir, "", "msiexec", append([]string{"/qn"}, args...)...)
	if r.err != nil {
		s.t.Fatalf("msiexec %v: %v\n%s", args, r.err, r.text)
	}
	return r.text
}

// state is what `service status --json` says.
type state struct {
	Phase   string `json:"state"`
	PID     int    `json:"pid"`
	Account string `json:"account"`
	Boot    bool   `json:"boot"`
	Status  string `json:"status"`
}

func (s *installed) state() state {
	s.t.Helper()
	var st state
	if text := s.run("service", "status", "--json"); json.Unmarshal([]byte(text), &st) != nil {
		s.t.Fatalf("service status: %s", text)
	}
	return st
}

func (s *installed) wantPhase(want string) {
	s.t.Helper()
	if st := s.state(); st.Phase != want {
		s.t.Errorf("the service is %s, want %s: %+v", st.Phase, want, st)
	}
}

// home is the directory of the service's configuration.
func (s *installed) home(names ...string) string {
	return s.machine.drive(append([]string{"ProgramData", "dropferry"}, names...)...)
}

func (s *installed) write(name, content string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// configure writes the configuration; more are further tables.
func (s *installed) configure(more string) {
	s.t.Helper()
	s.write(s.home("agent.toml"), fmt.Sprintf(`version = 1

[agent]
name = "wine"
shutdown_grace = "2s"

[[destination]]
name = "acme"
host = %q
port = %d
user = %q
key_file = '%s'
key_passphrase = { credential = "acme-pass" }
host_key = [%q]
root = %q

[[folder]]
name = "outbox"
path = '%s'
stable_for = "300ms"
after = "archive"
archive = '%s'
checkpoint = { size = "2MiB" }
retry = { initial = "200ms", max = "1s" }
to = ["acme:in"]
%s`, s.wire.Host(), s.wire.Port(), s.sshd.User, windows(s.key()), s.sshd.Fingerprints[0], s.sshd.Dir,
		windows(filepath.Join(s.dir, "out")), windows(filepath.Join(s.dir, "sent")), more))
}

const passphrase = "correct horse battery staple"

// key returns the client's key, protected by a passphrase.
func (s *installed) key() string {
	s.t.Helper()
	name := filepath.Join(s.dir, "key")
	if _, err := os.Stat(name); err == nil {
		return name
	}
	plain, err := os.ReadFile(s.sshd.KeyFile)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(name, string(plain))
	if out, err := exec.Command("ssh-keygen", "-p", "-f", name, "-P", "", "-N", passphrase).CombinedOutput(); err != nil {
		s.t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	return name
}

func (s *installed) install(pkg string) {
	said := s.installer("/i", windows(pkg))
	for _, name := range []string{"dropferry.exe", "agent.toml.example", "LICENSE.txt", "third-party-notices.txt"} {
		if _, err := os.Stat(s.machine.drive("Program Files", "dropferry", name)); err != nil {
			s.t.Error(err)
		}
	}
	if !strings.Contains(said, "service dropferry is installed") {
		s.t.Errorf("the installer said: %s", said)
	}
	if st := s.state(); st.Phase != "stopped" || !st.Boot || st.Account != `NT SERVICE\dropferry` {
		s.t.Errorf("the service after the installation: %+v", st)
	}
	if path := s.path(); !strings.Contains(path, `C:\Program Files\dropferry\`) {
		s.t.Errorf("PATH: %s", path)
	}
	if info, err := os.Stat(s.home("state")); err != nil || !info.IsDir() {
		s.t.Errorf("the state directory: %v", err)
	}
	if text := s.run("version"); !strings.Contains(text, "dropferry 0.1.0 windows/amd64") {
		s.t.Errorf("version: %s", text)
	}
}

// path is the system's PATH.
func (s *installed) path() string {
	s.t.Helper()
	return s.machine.run(time.Minute, s.dir, "", "reg", "query", `HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment`, "/v", "Path").text
}

func (s *installed) startsNotWithout() {
	text := s.expect(1, "", "service", "start")
	if st := s.state(); st.Phase != "failed" || !strings.Contains(st.Status, "exit code 5") || !strings.Contains(text, "exit code 5") {
		s.t.Errorf("a start without a configuration: %+v\n%s", st, text)
	}
}

func (s *installed) keepsSecret() {
	for _, name := range []string{"out", "sent"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	s.configure("")
	s.expect(0, passphrase+"\n", "secret", "set", "acme-pass")
	stored, err := os.ReadFile(s.home("state", "secrets", "acme-pass"))
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(stored, []byte("horse")) {
		s.t.Error("the secret can be read")
	}
	if text := s.run("check", "--connect"); !strings.Contains(text, "acme") {
		s.t.Errorf("check --connect: %s", text)
	}
}

func (s *installed) starts() {
	s.run("service", "start")
	if st := s.state(); st.Phase != "running" || st.PID == 0 {
		s.t.Errorf("the service after its start: %+v", st)
	}
	if text := s.run("status"); !strings.Contains(text, "is running") {
		s.t.Errorf("status: %s", text)
	}
	s.run("service", "start") // it runs already, which is no fault
}

// arrives waits for a file at the server and in the archive.
func (s *installed) arrives(name, content string) {
	s.t.Helper()
	eventually(s.t, name+" arrives", time.Minute, func() bool {
		got, err := os.ReadFile(filepath.Join(s.sshd.Dir, "in", filepath.FromSlash(name)))
		return err == nil && string(got) == content
	})
	eventually(s.t, name+" is archived", time.Minute, func() bool {
		got, err := os.ReadFile(filepath.Join(s.dir, "sent", filepath.FromSlash(name)))
		return err == nil && string(got) == content
	})
	if _, err := os.Lstat(filepath.Join(s.dir, "out", filepath.FromSlash(name))); err == nil {
		s.t.Errorf("%s is still in the folder", name)
	}
}

func (s *installed) delivers() {
	s.write(filepath.Join(s.dir, "out", "from-linux.txt"), "one")
	s.arrives("from-linux.txt", "one")
	s.write(filepath.Join(s.dir, "out", "new", "deep", "nested.txt"), "two")
	s.arrives("new/deep/nested.txt", "two")
	s.write(filepath.Join(s.dir, "three"), "three")
	copied := s.machine.run(time.Minute, s.dir, "", "cmd", "/c", "copy", windows(filepath.Join(s.dir, "three")), windows(filepath.Join(s.dir, "out", "from-windows.txt")))
	if copied.err != nil {
		s.t.Fatalf("copy: %v: %s", copied.err, copied.text)
	}
	s.arrives("from-windows.txt", "three")
	text := s.run("history")
	for _, name := range []string{"from-linux.txt", "nested.txt", "from-windows.txt"} {
		if !strings.Contains(text, name) {
			s.t.Errorf("%s has no receipt:\n%s", name, text)
		}
	}
}

func (s *installed) reloads() {
	more := filepath.Join(s.dir, "more")
	if err := os.Mkdir(more, 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.configure(fmt.Sprintf("\n[[folder]]\nname = \"more\"\npath = '%s'\nstable_for = \"300ms\"\nto = [\"acme:more\"]\n", windows(more)))
	if text := s.run("reload"); !strings.Contains(text, "more") {
		s.t.Errorf("reload: %s", text)
	}
	s.write(filepath.Join(more, "a"), "a")
	eventually(s.t, "the new folder is watched", time.Minute, func() bool {
		_, err := os.Stat(filepath.Join(s.sshd.Dir, "more", "a"))
		return err == nil
	})
}

// resumes kills the service in the middle of a file, far behind a checkpoint.
func (s *installed) resumes() {
	const size = 24 << 20
	content := make([]byte, size)
	_, _ = rand.Read(content) // it never fails
	s.wire.SetRate(4 << 20)
	before, _, _ := s.wire.Stats()
	s.write(filepath.Join(s.dir, "large.bin"), string(content))
	if err := os.Rename(filepath.Join(s.dir, "large.bin"), filepath.Join(s.dir, "out", "large.bin")); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "half of the file is sent", time.Minute, func() bool {
		sent, _, _ := s.wire.Stats()
		return sent-before > size/2
	})
	pid := s.state().PID
	if r := s.machine.run(time.Minute, s.dir, "", "taskkill", "/f", "/pid", fmt.Sprint(pid)); r.err != nil {
		s.t.Fatalf("taskkill: %v: %s", r.err, r.text)
	}
	eventually(s.t, "the agent is dead", time.Minute, func() bool { return strings.Contains(s.run("status"), "is not running") })
	// Windows notices by itself that a service has died; wine does when it is to tell it something, and then fails.
	_ = s.machine.run(time.Minute, s.dir, "", s.program, "service", "stop")
	if _, err := os.Stat(filepath.Join(s.sshd.Dir, "in", "large.bin")); err == nil {
		s.t.Error("part of the file is under its name")
	}
	s.wire.SetRate(0)
	between, _, _ := s.wire.Stats()
	s.run("service", "start")
	s.arrives("large.bin", string(content))
	if after, _, _ := s.wire.Stats(); after-between > size*3/4 {
		s.t.Errorf("%d bytes were sent after the restart, of a file of %d that was half there", after-between, size)
	}
}

func (s *installed) stops() {
	s.run("service", "stop")
	s.wantPhase("stopped")
	s.run("service", "stop") // it is stopped already, which is no fault
	if text := s.expect(10, "", "reload"); !strings.Contains(text, "no agent is running") {
		s.t.Errorf("reload: %s", text)
	}
	s.write(filepath.Join(s.dir, "out", "meanwhile.txt"), "dropped while it was stopped")
	s.run("service", "start")
	s.arrives("meanwhile.txt", "dropped while it was stopped")
}

func (s *installed) upgrade(pkg string) {
	said := s.installer("/i", windows(pkg))
	if text := s.run("version"); !strings.Contains(text, "dropferry 0.2.0") {
		s.t.Errorf("version: %s\n%s", text, said)
	}
	s.wantPhase("running")
	s.write(filepath.Join(s.dir, "out", "upgraded.txt"), "new version")
	s.arrives("upgraded.txt", "new version")
	if text := s.run("history"); !strings.Contains(text, "from-linux.txt") {
		s.t.Errorf("the history has not stayed: %s", text)
	}
}

func (s *installed) byHand() {
	s.run("service", "uninstall")
	s.wantPhase("not installed")
	s.expect(1, "", "service", "stop")
	if text := s.run("service", "install", "--account", "LocalSystem"); !strings.Contains(text, "as LocalSystem") {
		s.t.Errorf("service install: %s", text)
	}
	s.run("service", "start")
	s.wantPhase("running")
}

func (s *installed) remove(pkg string) {
	s.installer("/x", windows(pkg))
	if _, err := os.Lstat(s.program); err == nil {
		s.t.Error("the program has stayed")
	}
	for _, name := range []string{"agent.toml", filepath.Join("state", "dropferry.db")} {
		if _, err := os.Stat(s.home(name)); err != nil {
			s.t.Errorf("what should stay: %v", err)
		}
	}
	if path := s.path(); strings.Contains(path, "dropferry") {
		s.t.Errorf("PATH: %s", path)
	}
	// The program is gone: another copy of it has to say that the service is, too.
	s.program = filepath.Join(s.machine.dir, "dropferry-v0.2.0.exe")
	s.wantPhase("not installed")
}

// tellState logs what helps to understand a failure.
func (s *installed) tellState() {
	if !s.t.Failed() {
		return
	}
	for _, args := range [][]string{{"service", "status"}, {"status"}, {"history"}} {
		r := s.machine.run(30*time.Second, s.dir, "", s.program, args...)
		s.t.Logf("dropferry %v:\n%s", args, r.text)
	}
}
