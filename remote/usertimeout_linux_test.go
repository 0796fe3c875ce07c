package remote

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// The system watches the connection too: with keepalives, and for what is never acknowledged.
func TestTheSystemWatchesTheConnection(t *testing.T) {
	t.Parallel()
	server := sftptest.StartServer(t, sftptest.ServerOptions{})
	target := serverTarget(server)
	target.Keepalive, target.StallTimeout = 7*time.Second, 40*time.Second
	s := mustDial(t, target)
	raw, err := s.conn.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for _, option := range []struct {
		name              string
		level, opt, value int
	}{
		{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 7},
		{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 7},
		{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 6},
		{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 80000},
	} {
		var got int
		var asked error
		err := raw.Control(func(fd uintptr) { got, asked = unix.GetsockoptInt(int(fd), option.level, option.opt) })
		if err != nil || asked != nil || got != option.value {
			t.Errorf("%s is %d (%v, %v), want %d", option.name, got, err, asked, option.value)
		}
	}
}
