package e2e

import (
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// TestHangupOfItsTerminal ends an agent whose terminal is gone, and only then: with the terminal it is a reload.
func TestHangupOfItsTerminal(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	person, terminal := openTerminal(t)
	command := exec.Command(binary, "-c", r.config, "run")
	r.prepare(command)
	command.Stdin, command.Stdout, command.Stderr = nil, nil, terminal
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() }) // it has ended, where all is well
	eventually(t, "the agent answers", 10*time.Second, func() bool { return r.run("reload").code == 0 })
	loaded := r.left().Agent.LoadedAt
	if err := command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is loaded again", 10*time.Second, func() bool { return r.left().Agent.LoadedAt.After(*loaded) })
	if err := person.Close(); err != nil { // the terminal's own side stays open, as the agent's does
		t.Fatal(err)
	}
	if err := command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on without its terminal")
	}
}
