package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "dropferry-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(dir, "dropferry")
	build := exec.Command("go", "build", "-tags", "crashtest", "-o", binary, "../../cmd/dropferry")
	build.Stderr = os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// rig is one agent's world: directories, a configuration and a server.
type rig struct {
	t       *testing.T
	sshd    *sftptest.SSHD
	dir     string
	outbox  string
	archive string
	state   string
	config  string
	env     []string
}

// newRig starts a server and writes a configuration with one outbox; folder are the lines of its [[folder]] table after
// name and path.
func newRig(t *testing.T, folder string) *rig {
	t.Helper()
	r := &rig{t: t, sshd: sftptest.StartSSHD(t, sftptest.SSHDOptions{}), dir: t.TempDir()}
	r.outbox = r.mkdir("outbox")
	r.archive = filepath.Join(r.dir, "archive")
	r.state = filepath.Join(r.dir, "state")
	r.config = filepath.Join(r.dir, "agent.toml")
	r.configure(r.sshd.TOML("acme") + r.folder("outbox", r.outbox, folder))
	return r
}

func (r *rig) folder(name, path, lines string) string {
	return fmt.Sprintf("\n[[folder]]\nname = %q\npath = %q\n%s\n", name, path, lines)
}

// configure writes the configuration: the usual head, and what is given.
func (r *rig) configure(rest string) {
	r.t.Helper()
	head := fmt.Sprintf("version = 1\n[agent]\nname = \"rig\"\nstate_dir = %q\nshutdown_grace = \"5s\"\n[defaults]\nstable_for = \"200ms\"\n\n", r.state)
	r.write(r.config, head+rest)
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

// result is how a command has ended.
type result struct {
	code   int
	stdout string
	stderr string
}

// run runs one command to its end.
func (r *rig) run(args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, binary, append([]string{"-c", r.config}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = append(os.Environ(), r.env...)
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("dropferry %v: %v", args, err)
	}
	if ctx.Err() != nil {
		r.t.Fatalf("dropferry %v did not end\n%s%s", args, stdout.String(), stderr.String())
	}
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// expect runs a command that has to end with a code.
func (r *rig) expect(code int, args ...string) result {
	r.t.Helper()
	got := r.run(args...)
	if got.code != code {
		r.t.Fatalf("dropferry %v: exit code %d, want %d\nstdout:\n%s\nstderr:\n%s", args, got.code, code, got.stdout, got.stderr)
	}
	return got
}

// agent is a running `dropferry run`.
type agent struct {
	t       *testing.T
	command *exec.Cmd
	done    chan struct{}
	mu      sync.Mutex
	log     bytes.Buffer
}

func (a *agent) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(b)
}

func (a *agent) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// start starts `dropferry run`; it is killed at the end of the test if it still runs.
func (r *rig) start(args ...string) *agent {
	r.t.Helper()
	a := &agent{t: r.t, done: make(chan struct{})}
	a.command = exec.Command(binary, append([]string{"-c", r.config, "run", "-v"}, args...)...)
	a.command.Stdout, a.command.Stderr = a, a
	a.command.Env = append(os.Environ(), r.env...)
	if err := a.command.Start(); err != nil {
		r.t.Fatal(err)
	}
	go func() {
		defer close(a.done)
		_ = a.command.Wait() // the exit code is asked for where it matters
	}()
	r.t.Cleanup(func() {
		a.kill()
		if r.t.Failed() {
			r.t.Logf("agent's log:\n%s", a.text())
		}
	})
	return a
}

// kill ends the agent as a crash does.
func (a *agent) kill() {
	_ = a.command.Process.Kill() // it may have ended
	<-a.done
}

// stop asks the agent to stop and returns its exit code.
func (a *agent) stop() int {
	a.t.Helper()
	_ = a.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		a.t.Fatalf("the agent did not stop\n%s", a.text())
	}
	return a.command.ProcessState.ExitCode()
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// tree returns the files under a directory with their content, by relative path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		files[rel] = string(content)
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// wantTree compares a directory with what should be in it.
func wantTree(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := tree(t, dir)
	for name, content := range want {
		if found, ok := got[name]; !ok {
			t.Errorf("%s: %q is missing", dir, name)
		} else if found != content {
			t.Errorf("%s: %q has %d other bytes than the %d expected", dir, name, len(found), len(content))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s: %q should not be there", dir, name)
	}
}

// contains fails where a text lacks a part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}
