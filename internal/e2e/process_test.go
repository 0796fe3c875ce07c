package e2e

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// result is how a command has ended.
type result struct {
	code   int
	stdout string
	stderr string
}

// text is all that a command has said.
func (r result) text() string { return r.stdout + r.stderr }

// typed is a command about the rig's configuration, as people are told to type it.
func (r *rig) typed(command string) string { return "dropferry -c " + r.config + " " + command }

// run runs one command to its end.
func (r *rig) run(args ...string) result {
	r.t.Helper()
	return r.runBare(append([]string{"-c", r.config}, args...)...)
}

// runBare is run without naming a configuration.
func (r *rig) runBare(args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, cmp.Or(r.program, binary), args...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	r.prepare(command)
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatalf("dropferry %v: %v", args, err)
	}
	if ctx.Err() != nil {
		r.t.Fatalf("dropferry %v did not end\n%s%s", args, stdout.String(), stderr.String())
	}
	got := result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	r.decent(got.text())
	return got
}

func (r *rig) prepare(command *exec.Cmd) {
	command.Dir = r.dir
	command.Env = append(os.Environ(), r.env...)
	command.SysProcAttr = r.attr
	command.Stdin = r.stdin
}

// decent fails where an output holds what none may: a secret, or the marks of a fault of the program.
func (r *rig) decent(text string) {
	r.t.Helper()
	for _, secret := range r.secrets {
		if strings.Contains(text, secret) {
			r.t.Errorf("a secret is in:\n%s", text)
		}
	}
	for _, mark := range []string{"panic:", "goroutine ", "%!", "<nil>", "DATA RACE"} {
		if strings.Contains(text, mark) {
			r.t.Errorf("%q is in:\n%s", mark, text)
		}
	}
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

// Write takes what the agent says.
func (a *agent) Write(b []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.Write(b)
}

// text is what the agent has said so far.
func (a *agent) text() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.String()
}

// start starts `dropferry run`; it is killed at the end of the test if it still runs.
func (r *rig) start(args ...string) *agent {
	r.t.Helper()
	return r.launch(append([]string{"-c", r.config, "run", "-v"}, args...)...)
}

// launch starts a command that does not end by itself.
func (r *rig) launch(args ...string) *agent {
	r.t.Helper()
	a := &agent{t: r.t, done: make(chan struct{})}
	a.command = exec.Command(cmp.Or(r.program, binary), args...)
	a.command.Stdout, a.command.Stderr = a, a
	if r.stdout != nil {
		a.command.Stdout = r.stdout
	}
	if r.stderr != nil {
		a.command.Stderr = r.stderr
	}
	r.prepare(a.command)
	tie(a.command)
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // see tie
		defer runtime.UnlockOSThread()
		defer close(a.done)
		err := a.command.Start()
		started <- err
		if err == nil {
			_ = a.command.Wait() // the exit code is asked for where it matters
		}
	}()
	if err := <-started; err != nil {
		r.t.Fatal(err)
	}
	r.agents = append(r.agents, a)
	r.t.Cleanup(func() {
		a.kill()
		r.decent(a.text())
		if r.t.Failed() {
			r.t.Logf("agent's log ends:\n%s", lastOf(a.text(), 6000))
		}
	})
	return a
}

// watching starts an agent and waits until it watches all its folders.
func (r *rig) watching(args ...string) *agent {
	r.t.Helper()
	folders := strings.Count(r.configuration(), "[[folder]]")
	a := r.start(args...)
	eventually(r.t, "the agent watches", 20*time.Second, func() bool { return lines(a.text(), "folder watching") >= folders })
	return a
}

// lastOf returns at most the last n bytes of a text.
func lastOf(text string, n int) string { return text[max(0, len(text)-n):] }

// kill ends the agent as a crash does.
func (a *agent) kill() {
	_ = a.command.Process.Kill() // it may have ended
	<-a.done
}

// stop asks the agent to stop and returns its exit code.
func (a *agent) stop() int {
	a.t.Helper()
	return a.signal(syscall.SIGTERM)
}

// signal asks the agent to stop with a signal and returns its exit code.
func (a *agent) signal(s os.Signal) int {
	a.t.Helper()
	_ = a.command.Process.Signal(s) // it may have ended
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		a.t.Fatal("the agent did not stop")
	}
	return a.command.ProcessState.ExitCode()
}

// wait waits for something that the agent says.
func (a *agent) wait(what string) {
	a.t.Helper()
	eventually(a.t, "the agent says "+what, 20*time.Second, func() bool { return strings.Contains(a.text(), what) })
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(6 * limit) // on a busy machine
	for {
		asked := time.Now()
		if holds() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
		rest(asked)
	}
}

// rest leaves the machine to those that work, for longer than a look has taken: some looks start a process.
func rest(asked time.Time) { time.Sleep(max(20*time.Millisecond, 3*time.Since(asked))) }

// contains fails where a text lacks a part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// lacks fails where a text holds a part.
func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q is in:\n%s", part, text)
		}
	}
}

// lines counts the lines of a text that hold a part.
func lines(text, part string) int {
	n := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}
