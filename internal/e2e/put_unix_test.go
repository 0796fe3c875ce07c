//go:build unix

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPutInAPipeline interrupts the whole pipeline, as a terminal does: what the producer had written by then is not
// published.
func TestPutInAPipeline(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	script := fmt.Sprintf(`{ echo part; exec sleep 60; } | %s -c %s put - acme:in/dump.sql`, binary, r.config)
	command := exec.Command("sh", "-c", script)
	r.prepare(command)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r.underWay(r.inbox("in"), 0)
	if err := syscall.Kill(-command.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait() // the shell tells of the signal in its own way
	eventually(t, "the temp is removed", 10*time.Second, func() bool { return len(tree(t, r.inbox("in"))) == 0 })
}

// TestPutOfAnUnreadableFile says which file cannot be read, and why.
func TestPutOfAnUnreadableFile(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	name := r.source("a.txt", "a")
	if err := os.Chmod(name, 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	contains(t, r.expect(1, "put", name, "acme:").stderr, name, "permission denied")
}

// TestPutOfAFifo is refused with the words that help.
func TestPutOfAFifo(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	if err := syscall.Mkfifo(r.at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text := r.expect(1, "put", r.at("fifo"), "acme:").stderr; !strings.Contains(text, r.typed("put - DEST:PATH")) {
		t.Errorf("it says %s", text)
	}
}
