package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// agent is `dropferry run` as a process, over all the times that it is started.
type agent struct {
	binary string
	config string
	home   string
	log    *logbook
	began  time.Time

	mu      sync.Mutex
	process *process // nil while none was started
	exits   []exit
}

// process is one of them.
type process struct {
	command *exec.Cmd
	cause   cause // why it is to end; byself until somebody ends it
	over    chan struct{}
}

// command prepares a call of the program.
func (a *agent) command(args ...string) *exec.Cmd {
	c := exec.Command(a.binary, append([]string{"-c", a.config}, args...)...)
	c.Env = append(os.Environ(), "HOME="+a.home, "XDG_CONFIG_HOME=", "XDG_STATE_HOME=", "DROPFERRY_CONFIG=")
	c.Dir = a.home
	return c
}

// start starts the agent, saying to out what it has to say.
func (a *agent) start(out io.Writer) error {
	a.log.say("the agent is started")
	p := &process{command: a.command("run", "-v"), cause: byself, over: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = out, out
	p.command.WaitDelay = time.Second
	tie(p.command)
	started := make(chan error)
	go func() { // ends with the process, which end or close wait for
		runtime.LockOSThread() // see tie
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.command.Wait() // its exit code says how it ended
		a.mu.Lock()
		a.exits = append(a.exits, exit{p.cause, p.command.ProcessState.ExitCode(), time.Since(a.began)})
		a.mu.Unlock()
		a.log.offline()
		a.log.say("the agent has ended: %s, %s", p.cause, p.command.ProcessState)
		close(p.over)
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start the agent: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.process = p
	return nil
}

// patience is how long the program may take for what it does in a moment: the machine may be busy.
const patience = time.Minute

// end ends the agent with a signal and waits for it. It tells false where it had ended by itself.
func (a *agent) end(why cause) (bool, error) {
	signals := map[cause]os.Signal{byKill: syscall.SIGKILL, byStop: syscall.SIGTERM, byDump: syscall.SIGQUIT}
	a.mu.Lock()
	p := a.process
	a.mu.Unlock()
	select {
	case <-p.over:
		return false, nil
	default:
	}
	a.mu.Lock()
	p.cause = why
	a.mu.Unlock()
	_ = p.command.Process.Signal(signals[why]) // it may end by itself just now
	select {
	case <-p.over:
		return true, nil
	case <-time.After(patience):
		return true, fmt.Errorf("the agent did not end within %v of the signal (%s)", patience, why)
	}
}

// close kills what still runs.
func (a *agent) close() {
	if a.process != nil {
		_, _ = a.end(byKill) // nothing ends more surely
	}
}

func (a *agent) pid() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.process.command.Process.Pid
}

func (a *agent) ended() []exit {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]exit(nil), a.exits...)
}

// ask runs a command that prints JSON.
func (a *agent) ask(ctx context.Context, into any, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c := a.command(append(args, "--json")...)
	var out, complaint bytes.Buffer
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	defer stop()
	if err := c.Wait(); err != nil {
		return fmt.Errorf("dropferry %v: %w: %s", args, errors.Join(err, ctx.Err()), bytes.TrimSpace(complaint.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		return fmt.Errorf("dropferry %v: %w", args, err)
	}
	return nil
}
