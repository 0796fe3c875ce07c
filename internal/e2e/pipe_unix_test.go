//go:build unix

package e2e

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// TestLogThatNobodyReads has the reader of the agent's log go away: the agent goes on.
func TestLogThatNobodyReads(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close() //nolint:errcheck // it is closed below
	r.stderr = write
	a := r.start()
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if strings.Contains(lines.Text(), "msg=watching") {
			break
		}
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.txt", "b.txt"} { // each of which is told of
		r.drop(name, name)
		r.arrives(name, name)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
