package sftptest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

var (
	errPortTaken = errors.New("port is taken")
	errNotGone   = errors.New("processes do not end")
)

// process is a running sshd.
type process struct {
	pid  int
	over chan struct{} // closed when it has been waited for
}

// run starts sshd and waits until it answers.
func (s *SSHD) run() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		return errors.New("it runs already")
	}
	// With -r it does not begin itself anew for each connection, which halves what one costs. From 9.8 on it takes no notice.
	cmd := exec.Command(s.program, "-D", "-e", "-r", "-f", filepath.Join(s.home, "sshd_config"))
	cmd.Stdout, cmd.Stderr = &s.log, &s.log
	tieToThread(cmd)
	if s.options.Shell != "" {
		text, err := os.ReadFile(passwdFile)
		if err != nil {
			return err
		}
		if err := under(cmd, s.home, passwdFile, withField(string(text), s.User, shellField, s.options.Shell)); err != nil {
			return err
		}
	}
	if s.options.PAM != nil {
		text, err := s.options.PAM.stack(s.home)
		if err != nil {
			return err
		}
		if err := under(cmd, s.home, pamFile, text); err != nil {
			return err
		}
	}
	from := s.log.Len()
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	if err := s.answers(p, from); err != nil {
		p.killAll()
		return err
	}
	s.process = p
	return nil
}

// startProcess starts a server whose life is tied to that of the test binary: see tieToThread, which has prepared cmd.
func startProcess(cmd *exec.Cmd) (*process, error) {
	cmd.WaitDelay = time.Second // sessions hold the log open for as long as they live
	p := &process{over: make(chan struct{})}
	started := make(chan error)
	go func() { // ends with the server, which Stop waits for
		runtime.LockOSThread() // see tieToThread
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed; what it had to say is in the log
			close(p.over)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	p.pid = cmd.Process.Pid
	return p, nil
}

// isOver tells whether the process has ended.
func (p *process) isOver() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// answers waits until the process says that it listens, and then until it greets: the port alone may be another's.
func (s *SSHD) answers(p *process, from int) error {
	deadline := time.Now().Add(sshdDeadline)
	listening := fmt.Sprintf("Server listening on %s port %d", s.Host, s.Port)
	for {
		said := s.log.Since(from)
		ended := p.isOver()
		switch {
		case strings.Contains(said, "Address already in use"):
			return errPortTaken
		case ended:
			return errors.New("it ended at once")
		case strings.Contains(said, listening) && greets(s.Addr) == nil:
			return nil
		case time.Now().After(deadline):
			return errors.New("it does not answer")
		}
		time.Sleep(5 * time.Millisecond) // no event tells when a process listens
	}
}

// greets tells whether an SSH server's banner comes from addr.
func greets(addr string) error { return greetsAs(addr, "SSH-2.0-") }

// greetsAs tells whether a banner that begins with prefix comes from addr.
func greetsAs(addr, prefix string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }() // all has been heard
	if err := c.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, prefix) {
		err = fmt.Errorf("greeting %q", line)
	}
	return err
}

// killAll kills sshd and all that descends from it, and waits until they are gone. It is stopped first, so that no
// child escapes that it would make meanwhile.
func (p *process) killAll() {
	if p.isOver() {
		return // its number may be another's by now
	}
	_ = signalStop(p.pid) // a process that is gone has nothing left to do
	waitUntil(time.Second, func() bool { return stateOf(p.pid) != running })
	children := descendants(p.pid)
	kill(p.pid)
	for _, c := range children {
		kill(c.pid)
	}
	<-p.over
	_ = gone(children) // nothing more can be done, and the next test has a port of its own
}

// killChildren kills what descends from sshd, and waits until it is gone.
func (p *process) killChildren() {
	children := descendants(p.pid)
	for _, c := range children {
		kill(c.pid)
	}
	_ = gone(children)
}

// freeze stops the descendants of one name, and returns what lets them go on.
func (p *process) freeze(name string) (thaw func(), err error) {
	var frozen []child
	for _, c := range descendants(p.pid) {
		if c.name == name {
			frozen = append(frozen, c)
			if err := signalStop(c.pid); err != nil {
				return nil, err
			}
		}
	}
	if len(frozen) == 0 {
		return nil, fmt.Errorf("no process %q descends from sshd", name)
	}
	for _, c := range frozen {
		if !waitUntil(sshdDeadline, func() bool { return stateOf(c.pid) != running }) {
			return nil, fmt.Errorf("process %d does not stop", c.pid)
		}
	}
	return func() {
		for _, c := range frozen {
			_ = signalContinue(c.pid) // it may have been killed since
		}
	}, nil
}

// gone waits until the processes have ended. They are not children of this one: only looking tells.
func gone(children []child) error {
	for _, c := range children {
		if !waitUntil(sshdDeadline, func() bool { return stateOf(c.pid) == ended }) {
			return errNotGone
		}
	}
	return nil
}

// waitUntil looks until what is awaited holds or the time is over, and tells which.
func waitUntil(limit time.Duration, holds func() bool) bool {
	deadline := time.Now().Add(limit)
	for !holds() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
}
