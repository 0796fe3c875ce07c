package wine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// prefix is a machine with Windows on it, as far as wine is one. All tests share it, since it takes a while to make.
type prefix struct {
	dir    string // for everything
	root   string // of the prefix; its drive C: is drive_c
	env    []string
	server *child // what all programs of the prefix talk to
	person *child // somebody who is logged on: without anybody wine shuts the machine down, services and all
}

// child is a process of wine's that goes on for as long as the tests do.
type child struct {
	command *exec.Cmd
	ended   chan struct{}
}

// loader is wine's program that runs others.
func loader() (string, error) {
	for _, name := range []string{"wine", "wine64", "/usr/lib/wine/wine64"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("wine is not installed")
}

// wineServer is the process that all programs of a prefix talk to. Left to itself it starts with the first of them, and
// ends with the last, and holds on to that one's output.
func wineServer() (string, error) {
	for _, name := range []string{"/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver", "wineserver"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", errors.New("wineserver is not installed")
}

// makePrefix installs Windows, so to speak, in dir.
func makePrefix(dir string) (*prefix, error) {
	p := &prefix{dir: dir, root: filepath.Join(dir, "prefix")}
	home := filepath.Join(dir, "home")
	for _, d := range []string{home, p.root} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	p.env = append(os.Environ(), "WINEPREFIX="+p.root, "WINEARCH=win64", "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=",
		"HOME="+home, "DISPLAY=", "WAYLAND_DISPLAY=", "DROPFERRY_CONFIG=",
		"DROPFERRY_REQUIRE_SSHD=") // the programs of this machine are none of Windows'
	program, err := wineServer()
	if err != nil {
		return nil, err
	}
	if p.server, err = p.begin(program, "-f", "-p"); err != nil { // in the foreground, so that it is a child; until it is told to end
		return nil, err
	}
	if program, err = loader(); err != nil {
		return p, err
	}
	if p.person, err = p.begin(program, "cmd"); err != nil { // the first program makes the prefix
		return p, err
	}
	if r := p.run(3*time.Minute, dir, "", "cmd", "/c", "ver"); r.err != nil {
		return p, fmt.Errorf("make the prefix: %w: %s", r.err, r.text)
	}
	return p, p.addRandom()
}

// begin starts a process that goes on until its standard input ends, or it is told to.
func (p *prefix) begin(program string, args ...string) (*child, error) {
	c := &child{exec.Command(program, args...), make(chan struct{})}
	c.command.Env = p.env
	tie(c.command)
	if _, err := c.command.StdinPipe(); err != nil { // held open by this process
		return nil, err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // see tie
		defer runtime.UnlockOSThread()
		defer close(c.ended)
		err := c.command.Start()
		started <- err
		if err == nil {
			_ = c.command.Wait() // how it ends says nothing
		}
	}()
	return c, <-started
}

// addRandom gives the prefix what Go programs take their random bytes from, where it has no such library.
func (p *prefix) addRandom() error {
	to := filepath.Join(p.root, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	out, err := exec.Command("x86_64-w64-mingw32-gcc", "-shared", "-O2", "-s", "-o", to, filepath.Join("testdata", "processprng.c"), "-ladvapi32").CombinedOutput()
	if err != nil {
		return fmt.Errorf("build the library for random bytes: %w: %s", err, out)
	}
	return nil
}

// close ends every program in the prefix.
func (p *prefix) close() {
	if program, err := wineServer(); err == nil {
		kill := exec.Command(program, "-k")
		kill.Env = p.env
		_ = kill.Run() // what is left is killed below
	}
	for _, c := range []*child{p.person, p.server} {
		if c == nil {
			continue
		}
		select {
		case <-c.ended:
			continue
		case <-time.After(10 * time.Second):
		}
		_ = c.command.Process.Kill() // it may have ended
		<-c.ended
	}
}

// tie lets the kernel kill the process when the thread that starts it ends, so that a test run that is killed leaves
// nothing behind; see PR_SET_PDEATHSIG in prctl(2).
func tie(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// outcome is how a program has ended.
type outcome struct {
	text string // standard output and standard error
	code int
	err  error // it did not start, or not end in time, or its code is not 0
}

// run runs a program of the prefix to its end. Its output goes to a file: services, which inherit a pipe, would keep it
// open.
func (p *prefix) run(limit time.Duration, dir, stdin string, program string, args ...string) outcome {
	wine, err := loader()
	if err != nil {
		return outcome{err: err}
	}
	out, err := os.CreateTemp(p.dir, "output-")
	if err != nil {
		return outcome{err: err}
	}
	defer func() {
		_ = out.Close()
		_ = os.Remove(out.Name())
	}()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	command := exec.CommandContext(ctx, wine, append([]string{program}, args...)...)
	command.Dir, command.Env, command.Stdout, command.Stderr = dir, p.env, out, out
	command.WaitDelay = 5 * time.Second
	if stdin != "" {
		command.Stdin = strings.NewReader(stdin)
	}
	err = command.Run()
	text, readErr := os.ReadFile(out.Name())
	if ctx.Err() != nil {
		err = fmt.Errorf("it did not end within %v", limit)
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return outcome{string(text), command.ProcessState.ExitCode(), errors.Join(err, readErr)}
}

// windows is a path of this machine as the programs in the prefix know it.
func windows(path string) string { return "Z:" + strings.ReplaceAll(path, "/", `\`) }

// drive returns a path on drive C:.
func (p *prefix) drive(names ...string) string {
	return filepath.Join(append([]string{p.root, "drive_c"}, names...)...)
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
