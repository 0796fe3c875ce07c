package e2e

import (
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// TestPutShowsItsProgressOnATerminal writes one line again and again, and leaves none of it.
func TestPutShowsItsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	r := putRig(t)
	wire := sftptest.StartWire(t, r.sshd.Addr)
	r.configure(sftptest.Through(wire, r.acme()))
	wire.SetRate(6 << 20)
	person, terminal := openTerminal(t)
	var seen strings.Builder
	var reading sync.WaitGroup
	reading.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			seen.Write(b[:n])
			if err != nil { // the last of the other side is closed
				return
			}
		}
	})
	var out strings.Builder
	command := exec.Command(binary, "-c", r.config, "put", r.source("large.bin", noise(12<<20)), "acme:")
	r.prepare(command)
	command.Stdout, command.Stderr = &out, terminal
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	if err := terminal.Close(); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	contains(t, seen.String(), "\rlarge.bin  ", " % ", "of 12.0 MiB", "MiB/s", " left")
	if strings.Contains(seen.String(), "\n") || !strings.HasSuffix(seen.String(), "\r\x1b[K") {
		t.Errorf("the terminal shows %q", seen.String())
	}
	contains(t, out.String(), "delivered large.bin")
}
