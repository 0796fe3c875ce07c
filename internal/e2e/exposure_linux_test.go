package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tcpSockets returns the states of the TCP sockets that a process has, as the kernel writes them: 01 is connected, 0A listens.
func tcpSockets(t *testing.T, pid int) []string {
	t.Helper()
	mine := map[string]bool{}
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(fds)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		link, _ := os.Readlink(filepath.Join(fds, e.Name())) // it may be closed by now
		if inode, is := strings.CutPrefix(link, "socket:["); is {
			mine[strings.TrimSuffix(inode, "]")] = true
		}
	}
	var states []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			// See proc(5): number, local and remote address, state, queues, timer, retransmits, uid, timeout, inode.
			if fields := strings.Fields(line); len(fields) > 9 && mine[fields[9]] {
				states = append(states, fields[3])
			}
		}
	}
	return states
}

// TestAgentListensOnNoTCPPort looks at all sockets of an agent that is at work: it calls servers, and nobody calls it.
func TestAgentListensOnNoTCPPort(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	a := r.watching()
	r.drop("a.txt", "a")
	connected := false
	eventually(t, "the agent is connected", 20*time.Second, func() bool {
		for _, state := range tcpSockets(t, a.command.Process.Pid) {
			if state == "0A" {
				t.Fatal("the agent listens on a TCP port")
			}
			connected = connected || state == "01"
		}
		return connected
	})
	r.arrives("a.txt", "a")
	r.expect(0, "status")
	for _, state := range tcpSockets(t, a.command.Process.Pid) {
		if state == "0A" {
			t.Error("the agent listens on a TCP port")
		}
	}
}

// TestDebugLogHoldsNoSecret has an agent log all it can about a wrong password, the right one, and a reload.
func TestDebugLogHoldsNoSecret(t *testing.T) {
	t.Parallel()
	const password, wrong = "correct horse battery staple", "another horse entirely"
	r, _ := passwordRig(t, password, `{ credential = "acme-pass" }`)
	r.secrets = append(r.secrets, wrong)
	r.withLog("target = \"file\"\nlevel = \"debug\"\nformat = \"json\"")
	r.setSecret(0, "acme-pass", wrong)
	a := r.start()
	logged := func() string {
		text, _ := os.ReadFile(filepath.Join(r.state, "log", "dropferry.log")) // it may not be there yet
		return string(text)
	}
	eventually(t, "the login is refused", 20*time.Second, func() bool { return strings.Contains(logged(), "destination blocked") })
	r.setSecret(0, "acme-pass", password)
	r.expect(0, "retry", "destination:acme")
	eventually(t, "the file is delivered", 20*time.Second, func() bool { return strings.Contains(logged(), `"msg":"delivered"`) })
	r.expect(0, "reload")
	a.stop()
	r.everywhere()
	text := logged()
	contains(t, text, `"level":"DEBUG"`)
	for _, secret := range r.secrets {
		for form, hidden := range map[string]string{
			"as it is": secret, "in hexadecimal": hex.EncodeToString([]byte(secret)),
			"in base64":  strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
			"as numbers": strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]"),
		} {
			if strings.Contains(text, hidden) {
				t.Errorf("the log holds a secret %s", form)
			}
		}
	}
}
