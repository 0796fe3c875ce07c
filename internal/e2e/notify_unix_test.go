//go:build unix

package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// supervisor is the other end of systemd's notification socket.
type supervisor struct {
	t    *testing.T
	mu   sync.Mutex
	said []string // the messages, in order
}

// supervise has the rig's programs started as systemd does, with a watchdog.
func supervise(t *testing.T, r *rig, watchdog time.Duration) *supervisor {
	t.Helper()
	// The path of a socket may be 108 bytes long.
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	name := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	s := &supervisor{t: t}
	var reading sync.WaitGroup
	reading.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			s.mu.Lock()
			s.said = append(s.said, string(buffer[:n]))
			s.mu.Unlock()
		}
	})
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	r.env = append(r.env, "NOTIFY_SOCKET="+name, "WATCHDOG_USEC="+strconv.FormatInt(watchdog.Microseconds(), 10))
	return s
}

// count returns how many messages hold a line that begins so.
func (s *supervisor) count(start string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, message := range s.said {
		if strings.Contains("\n"+message, "\n"+start) {
			n++
		}
	}
	return n
}

// order returns the first words of the messages that tell of a change, in order.
func (s *supervisor) order() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var words []string
	for _, message := range s.said {
		first, _, _ := strings.Cut(message, "\n")
		if word, _, _ := strings.Cut(first, "="); word != "WATCHDOG" && word != "STATUS" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// hears waits until messages were counted.
func (s *supervisor) hears(n int, start string) {
	s.t.Helper()
	eventually(s.t, "systemd hears "+start, 20*time.Second, func() bool { return s.count(start) >= n })
}

// TestAgentUnderSystemd tells a supervisor how the agent is, from its start over reloads to its end, with signs of life all
// the time.
func TestAgentUnderSystemd(t *testing.T) {
	t.Parallel()
	r := newRig(t, `to = ["acme"]`)
	s := supervise(t, r, 900*time.Millisecond)
	a := r.watching()
	s.hears(1, "READY=1")
	r.drop("a.txt", "a")
	r.arrives("a.txt", "a")
	s.hears(1, "STATUS=folders: 1, destinations: 1; nothing to do")
	s.hears(s.count("WATCHDOG=1")+3, "WATCHDOG=1")

	r.reload()
	s.hears(2, "READY=1")
	good := r.configuration()
	r.write(r.config, "version = 2\n")
	a.hangup() // a configuration with faults: the agent goes on with the old one, and is ready again
	s.hears(3, "READY=1")
	r.write(r.config, good)
	if n := s.count("MONOTONIC_USEC="); n != 2 {
		t.Errorf("%d reloads with the time of the request", n)
	}
	if code := a.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	s.hears(1, "EXTEND_TIMEOUT_USEC=20000000") // the grace of 5 s, and time to close
	if got := s.order(); got != "READY RELOADING READY RELOADING READY STOPPING" {
		t.Errorf("systemd was told %s", got)
	}
}

// TestStatusForSystemd says first what needs a person.
func TestStatusForSystemd(t *testing.T) {
	t.Parallel()
	r := newRig(t, "")
	r.outboxTo(r.dead("acme")+"auth_retry = \"off\"\n", `to = ["acme"]`)
	r.drop("a.txt", "a")
	s := supervise(t, r, 900*time.Millisecond)
	r.watching()
	s.hears(1, "STATUS=folders: 1, destinations: 1; destination acme waiting, 1 queued")
}
