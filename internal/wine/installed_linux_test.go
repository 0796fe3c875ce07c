package wine

import (
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
	return s.stateOf("dropferry")
}

func (s *installed) stateOf(name string) state {
	s.t.Helper()
	var st state
	if text := s.run("service", "status", "--json", "--name", name); json.Unmarshal([]byte(text), &st) != nil {
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

// page is the quickstart of docs/windows.md: its configuration and its commands.
func page(t *testing.T) (configuration string, commands []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository(t), "docs", "windows.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```toml\n")
	configuration, after, _ = strings.Cut(after, "```")
	_, after, _ = strings.Cut(after, "```\n")
	block, _, found := strings.Cut(after, "```")
	if !found {
		t.Fatal("docs/windows.md has no configuration with commands after it")
	}
	return configuration, strings.Split(strings.TrimSpace(block), "\n")
}

// configure writes the configuration of the quickstart, with the server and the folders of the test; more are further tables.
func (s *installed) configure(more string) {
	s.t.Helper()
	text, _ := page(s.t)
	for _, change := range [][2]string{
		{"version = 1\n", "version = 1\n\n[agent]\nname = \"wine\"\nshutdown_grace = \"2s\"\n"},
		{`host = "sftp.acme.example"`, fmt.Sprintf("host = %q\nport = %d", s.wire.Host(), s.wire.Port())},
		{`user = "contoso"`, fmt.Sprintf("user = %q", s.sshd.User)},
		{`root = "/incoming"`, fmt.Sprintf("root = %q", s.sshd.Dir)},
		{`C:\ProgramData\dropferry\acme_ed25519`, windows(s.key())},
		{`path = 'D:\erp\out'`, fmt.Sprintf("path = '%s'\nstable_for = \"300ms\"\ncheckpoint = { size = \"2MiB\" }\nretry = { initial = \"200ms\", max = \"1s\" }",
			windows(filepath.Join(s.dir, "out")))},
		{`D:\erp\sent\{yyyy}\{mm}`, windows(filepath.Join(s.dir, "sent"))},
	} {
		if strings.Count(text, change[0]) != 1 {
			s.t.Fatalf("docs/windows.md has not %q once in its configuration", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	s.write(s.home("agent.toml"), text+more)
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

// arrives waits for a file at the server and in the archive.
func (s *installed) arrives(name, content string) {
	s.t.Helper()
	eventually(s.t, name+" arrives", time.Minute, func() bool {
		got, err := os.ReadFile(filepath.Join(s.sshd.Dir, "invoices", filepath.FromSlash(name)))
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
