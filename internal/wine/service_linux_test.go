package wine

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestService is the life of an agent on a Windows machine, from the package's installation to its removal.
func TestService(t *testing.T) {
	p := needsWine(t)
	s := &installed{
		t: t, machine: p, dir: t.TempDir(), program: p.drive("Program Files", "dropferry", "dropferry.exe"),
		sshd: sftptest.StartSSHD(t, sftptest.SSHDOptions{}),
	}
	s.wire = sftptest.StartWire(t, s.sshd.Addr)
	first, second, third, fourth := packages(t, p)
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"package is installed", func() { s.install(first) }},
		{"service needs a configuration", s.startsNotWithout},
		{"page is followed", s.followsThePage},
		{"files are delivered", s.delivers},
		{"configuration is reloaded", s.reloads},
		{"killed service goes on from its checkpoint", s.resumes},
		{"service stops and starts", s.stops},
		{"second service works beside it", s.second},
		{"configuration that was named is kept", s.keepsConfiguration},
		{"installation is undone", s.undoes},
		{"who ran is started again", s.startsAgain},
		{"package is upgraded", func() { s.upgrade(second) }},
		{"stopped service stays stopped", func() { s.staysStopped(third) }},
		{"service is uninstalled and installed by hand", s.byHand},
		{"service that was removed stays away", func() { s.staysAway(fourth) }},
		{"package is removed", func() { s.remove(fourth) }},
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

// packages builds the program in two versions, and four packages: the last two have the program of the second.
func packages(t *testing.T, p *prefix) (first, second, third, fourth string) {
	t.Helper()
	program := func(version string) string { return filepath.Join(p.dir, "dropferry-"+version+".exe") }
	pack := func(version, program string) string {
		out := filepath.Join(p.dir, "dropferry-"+version+".msi")
		if text, err := exec.Command("sh", filepath.Join(repository(t), "packaging", "windows", "msi.sh"), version, program, out).CombinedOutput(); err != nil {
			t.Fatalf("msi.sh: %v: %s", err, text)
		}
		return out
	}
	build := func(version string) string {
		if err := goTool("build", "-trimpath", "-ldflags", "-s -w -X main.release="+version, "-o", program(version), "../../cmd/dropferry"); err != nil {
			t.Fatal(err)
		}
		return pack(version, program(version))
	}
	return build("v0.1.0"), build("v0.2.0"), pack("v0.3.0", program("v0.2.0")), pack("v0.4.0", program("v0.2.0"))
}

func (s *installed) install(pkg string) {
	said := s.installer("/i", windows(pkg))
	for _, name := range []string{"dropferry.exe", "dropferry.ps1", "agent.toml.example", "agent.schema.json", "windows.md", "troubleshooting.md", "LICENSE.txt", "third-party-notices.txt"} {
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

// followsThePage does what the quickstart of docs/windows.md says, word for word, up to a service that runs.
func (s *installed) followsThePage() {
	for _, name := range []string{"out", "sent"} {
		if err := os.Mkdir(filepath.Join(s.dir, name), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	s.configure("")
	// What a person types into it, or sees.
	answers := map[string]string{"secret set acme-pass": passphrase + "\n", "trust acme": ""}
	options := map[string][]string{"trust acme": {"--fingerprint", s.sshd.Fingerprints[0]}}
	_, commands := page(s.t)
	for _, command := range commands {
		words, is := strings.CutPrefix(command, "dropferry ")
		if !is {
			s.t.Logf("only Windows has it: %s", command)
			continue
		}
		said := s.expect(0, answers[words], append(strings.Fields(words), options[words]...)...)
		delete(answers, words)
		s.t.Logf("%s\n%s", command, said)
	}
	if len(answers) > 0 {
		s.t.Errorf("the page has no longer: %v", answers)
	}
	stored, err := os.ReadFile(s.home("state", "secrets", "acme-pass"))
	if err != nil {
		s.t.Fatal(err)
	}
	if bytes.Contains(stored, []byte("horse")) {
		s.t.Error("the secret can be read")
	}
	if st := s.state(); st.Phase != "running" || st.PID == 0 {
		s.t.Errorf("the service after its start: %+v", st)
	}
	s.run("service", "start") // it runs already, which is no fault
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
	pid := s.state().PID
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
	s.wire.SetRate(16 << 10) // however long it takes to kill it
	if r := s.machine.run(time.Minute, s.dir, "", "taskkill", "/f", "/pid", fmt.Sprint(pid)); r.err != nil {
		s.t.Fatalf("taskkill: %v: %s", r.err, r.text)
	}
	eventually(s.t, "the agent is dead", time.Minute, func() bool { return strings.Contains(s.run("status"), "is not running") })
	// Windows notices by itself that a service has died; wine does when it is to tell it something, and then fails.
	_ = s.machine.run(time.Minute, s.dir, "", s.program, "service", "stop")
	if _, err := os.Stat(filepath.Join(s.sshd.Dir, "invoices", "large.bin")); err == nil {
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
	s.run("service", "install", "--name", erp) // it has the package's program, and goes with it
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
	if st := s.stateOf(erp); st.Phase != "not installed" {
		s.t.Errorf("a service without its program is %s", st.Phase)
	}
}
