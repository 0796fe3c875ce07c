package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "dropferry-e2e-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)                      //nolint:errcheck // what stays lies in the system's directory for that
	if err := os.Chmod(dir, 0o755); err != nil { // for tests that run the program as another account
		return 1, err
	}
	binary = filepath.Join(dir, "dropferry")
	if err := buildProgram(binary, "crashtest"); err != nil {
		return 1, err
	}
	// These tests wait for processes and clocks more than they compute.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("8"); err != nil {
			return 1, err
		}
	}
	return m.Run(), nil
}

// buildProgram builds the program with tags, as it is released otherwise.
func buildProgram(name, tags string) error {
	build := exec.Command("go", "build", "-trimpath", "-tags", tags, "-o", name, "../../cmd/dropferry")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the program: %w", err)
	}
	return nil
}

// rig is one agent's world: directories, a configuration and a server.
type rig struct {
	t       *testing.T
	sshd    *sftptest.SSHD // nil where a test brings servers of its own, or needs none
	dir     string
	outbox  string
	archive string
	state   string
	config  string
	grace   string // shutdown_grace; "" is 5s
	program string // that is run; "" is the one under test
	env     []string
	stdin   io.Reader            // of the program's processes; nil is nothing
	stdout  *os.File             // of agents; nil is kept
	stderr  *os.File             // likewise
	attr    *syscall.SysProcAttr // of the program's processes
	secrets []string             // must not be seen in any output
	agents  []*agent             // that were started
}

// newRig starts a server and writes a configuration with one outbox; folder are the lines of its [[folder]] table after
// name and path.
func newRig(t *testing.T, folder string) *rig {
	t.Helper()
	r := bareRig(t)
	r.sshd = sftptest.StartSSHD(t, sftptest.SSHDOptions{})
	r.outboxTo(r.acme(), folder)
	return r
}

// bareRig makes the directories of a world without server and configuration.
func bareRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.outbox = r.mkdir("outbox")
	r.archive = filepath.Join(r.dir, "archive")
	r.state = filepath.Join(r.dir, "state")
	r.config = filepath.Join(r.dir, "agent.toml")
	// Nothing of the account that runs the tests is to be found.
	r.env = []string{"HOME=" + r.mkdir("home"), "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "DROPFERRY_CONFIG="}
	return r
}

// acme is the [[destination]] table of the rig's server.
func (r *rig) acme() string { return r.sshd.TOML("acme") + patient }

// dead is the [[destination]] table of a server where nothing listens.
func (r *rig) dead(name string) string {
	table := replaced(r.t, r.acme(), `name = "acme"`, fmt.Sprintf("name = %q", name))
	return replaced(r.t, table, fmt.Sprintf("port = %d", r.sshd.Port), fmt.Sprintf("port = %d", freePort(r.t)))
}

// The last lines of a [[destination]]: how soon a connection is given up. hasty is for tests where it has to be.
const (
	patient = "connect_timeout = \"10s\"\nkeepalive = \"500ms\"\nstall_timeout = \"10s\"\n"
	hasty   = "connect_timeout = \"6s\"\nkeepalive = \"500ms\"\nstall_timeout = \"2s\"\n"
)

// outboxTo writes a configuration with the one outbox.
func (r *rig) outboxTo(destinations, folder string) {
	r.t.Helper()
	r.configure(destinations + r.folder("outbox", r.outbox, folder))
}

func (r *rig) folder(name, path, lines string) string {
	return fmt.Sprintf("\n[[folder]]\nname = %q\npath = %q\n%s\n", name, path, lines)
}

// configure writes the configuration: the usual head, and what is given.
func (r *rig) configure(rest string) {
	r.t.Helper()
	r.configureWith(`stable_for = "200ms"`, rest)
}

// configureWith writes a configuration with these lines of [defaults].
func (r *rig) configureWith(defaults, rest string) {
	r.t.Helper()
	head := fmt.Sprintf("version = 1\n[agent]\nname = \"rig\"\nstate_dir = %q\nshutdown_grace = %q\n[control]\nlisten = \"\"\n[defaults]\n%s\n\n",
		r.state, cmp.Or(r.grace, "5s"), defaults)
	r.write(r.config, head+rest)
}

// withLog adds a [log] to the rig's configuration.
func (r *rig) withLog(lines string) {
	r.t.Helper()
	r.edit("[defaults]", "[log]\n"+lines+"\n[defaults]")
}

// configuration is the text of the rig's configuration.
func (r *rig) configuration() string {
	r.t.Helper()
	text, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// edit changes a part of the rig's configuration.
func (r *rig) edit(old, by string) {
	r.t.Helper()
	r.write(r.config, replaced(r.t, r.configuration(), old, by))
}

func (r *rig) mkdir(name string) string {
	r.t.Helper()
	dir := filepath.Join(r.dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	return dir
}

// write writes a file, with the directories above it.
func (r *rig) write(name, content string) {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// drop writes a file into the outbox.
func (r *rig) drop(name, content string) {
	r.t.Helper()
	r.write(filepath.Join(r.outbox, name), content)
}

// at returns a path in the rig's directory.
func (r *rig) at(name string) string { return filepath.Join(r.dir, name) }

// inbox returns a path below the server's directory.
func (r *rig) inbox(name string) string { return filepath.Join(r.sshd.Dir, name) }

// replaced changes a configuration's text, and makes sure that it does.
func replaced(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("%q is not in:\n%s", old, text)
	}
	return strings.Replace(text, old, by, 1)
}

// freePort returns a port that nobody listens on just now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nobody has connected
	return l.Addr().(*net.TCPAddr).Port
}

// keyFile writes a fresh private key and returns its name.
func (r *rig) keyFile(name string) string {
	r.t.Helper()
	key, err := sftptest.NewKey("ed25519")
	if err == nil {
		err = key.Write(r.at(name))
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return r.at(name)
}
