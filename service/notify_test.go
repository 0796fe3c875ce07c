//go:build unix

package service

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// systemd is the other end of a notification socket.
type systemd struct {
	t    *testing.T
	conn *net.UnixConn
}

// listen opens a datagram socket and names it in the environment, as systemd does.
func listen(t *testing.T, name string) *systemd {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", name)
	t.Setenv("WATCHDOG_USEC", "")
	t.Setenv("WATCHDOG_PID", "")
	return &systemd{t, conn}
}

// next returns the assignments of the next message.
func (s *systemd) next() map[string]string {
	s.t.Helper()
	if err := s.conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		s.t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := s.conn.Read(buffer)
	if err != nil {
		s.t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.SplitSeq(string(buffer[:n]), "\n") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			s.t.Errorf("a line of a message is %q", line)
		}
		said[key] = value
	}
	return said
}

// wants fails unless the next message holds that and nothing else.
func (s *systemd) wants(want map[string]string) {
	s.t.Helper()
	got := s.next()
	if len(got) != len(want) {
		s.t.Errorf("systemd was told %v, want %v", got, want)
	}
	for key, value := range want {
		if got[key] != value {
			s.t.Errorf("systemd was told %v, want %v", got, want)
		}
	}
}

func connected(t *testing.T) *Notifier {
	t.Helper()
	n, err := Systemd()
	if err != nil {
		t.Fatal(err)
	}
	if n == nil {
		t.Fatal("there is a socket, and no host")
	}
	t.Cleanup(n.Close)
	return n
}

func TestNotifierSpeaksAsSystemdListens(t *testing.T) {
	s := listen(t, filepath.Join(t.TempDir(), "notify"))
	n := connected(t)
	n.Ready()
	s.wants(map[string]string{"READY": "1"})
	n.Alive()
	s.wants(map[string]string{"WATCHDOG": "1"})
	n.Status("3 files\nREADY=1")
	s.wants(map[string]string{"STATUS": "3 files READY=1"})
	n.Stopping(45 * time.Second)
	s.wants(map[string]string{"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "45000000"})
	before := monotonic()
	n.Reloading()
	said := s.next()
	at, err := strconv.ParseInt(said["MONOTONIC_USEC"], 10, 64)
	told := time.Duration(at) * time.Microsecond
	if said["RELOADING"] != "1" || err != nil || told < before.Truncate(time.Microsecond) || told > monotonic() {
		t.Errorf("systemd was told %v between %v and %v", said, before, monotonic())
	}
}

func TestNotifierFindsAnAbstractSocket(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has abstract sockets")
	}
	s := listen(t, "@dropferry-test-"+strconv.Itoa(os.Getpid()))
	connected(t).Ready()
	s.wants(map[string]string{"READY": "1"})
}

// A command that the program starts must not speak in its name.
func TestChildrenDoNotInheritTheSocket(t *testing.T) {
	listen(t, filepath.Join(t.TempDir(), "notify"))
	t.Setenv("WATCHDOG_USEC", "20000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	if n := connected(t); n.Patience() != 20*time.Second {
		t.Errorf("the host's patience is %v", n.Patience())
	}
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		if value, there := os.LookupEnv(name); there {
			t.Errorf("%s=%s is left for children", name, value)
		}
	}
}

func TestPatience(t *testing.T) {
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		fault     bool
	}{
		{"", "", 0, false},
		{"", "7", 0, false},
		{"30000000", "", 30 * time.Second, false},
		{"30000000", "7", 30 * time.Second, false},
		{"30000000", "8", 0, false}, // asked of another process
		{"0", "", 0, true},
		{"-1", "", 0, true},
		{"30s", "", 0, true},
		{"9223372036854775807", "", 0, true},
	} {
		got, err := patienceIn(c.usec, c.pid, 7)
		if got != c.want || (err != nil) != c.fault {
			t.Errorf("WATCHDOG_USEC=%s WATCHDOG_PID=%s: %v, %v", c.usec, c.pid, got, err)
		}
	}
}

func TestForegroundHasAHostOnlyUnderSystemd(t *testing.T) {
	s := listen(t, filepath.Join(t.TempDir(), "notify"))
	say := func(_ context.Context, host Host) error { host.Ready(); return nil }
	if err := Foreground(t.Context(), say); err != nil {
		t.Fatal(err)
	}
	s.wants(map[string]string{"READY": "1"})
	err := Foreground(t.Context(), func(_ context.Context, host Host) error { // the environment is clean now
		if host != Host(Nobody{}) {
			t.Errorf("the host is %T", host)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A systemd that reads nothing fills the socket's queue; deliveries go on.
func TestNobodyListens(t *testing.T) {
	s := listen(t, filepath.Join(t.TempDir(), "notify"))
	n := connected(t)
	_ = s.conn.Close()
	n.Ready()
	n.Alive()
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nothing"))
	if _, err := Systemd(); err == nil || !strings.Contains(err.Error(), "NOTIFY_SOCKET") {
		t.Errorf("a socket that is not there: %v", err)
	}
}
