package remote

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// subsystem starts an SSH server that lets everybody in and whose sftp is the function: it is given the channel, which is
// closed when it returns while the connection stands.
func subsystem(t *testing.T, sftp func(ssh.Channel)) Target {
	t.Helper()
	host := newKey(t, "ed25519")
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(host.Signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepting(t, l, func(c net.Conn) { serve(c, config, sftp) })
	addr := l.Addr().(*net.TCPAddr)
	return Target{
		Name: destination, Host: addr.IP.String(), Port: addr.Port, User: "u", PinnedKeys: []string{host.Fingerprint()},
		ConnectTimeout: patience, StallTimeout: patience,
	}
}

// accepting serves each connection that comes until the test ends.
func accepting(t *testing.T, l net.Listener, serve func(net.Conn)) {
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // what matters is that accepting ends
		serving.Wait()
	})
}

func serve(c net.Conn, config *ssh.ServerConfig, sftp func(ssh.Channel)) {
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // the client is gone
	var serving sync.WaitGroup
	defer serving.Wait()
	serving.Go(func() { ssh.DiscardRequests(requests) })
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		serving.Go(func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil) // to a lost connection there is none
				if r.Type == "subsystem" {
					serving.Go(func() {
						sftp(channel)
						_ = channel.Close() // or it is closed
					})
				}
			}
		})
	}
}

// frame puts the length before a packet.
func frame(packet ...byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...)
}

// readRequest reads one packet, without its length.
func readRequest(r io.Reader) []byte {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil
	}
	packet := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(r, packet); err != nil {
		return nil
	}
	return packet
}

// answering is a server that makes the version exchange and answers the first request with bytes of ours. It ends
// there, or with the client.
func answering(answer []byte, ends bool) func(ssh.Channel) {
	return func(c ssh.Channel) {
		readRequest(c)
		_, _ = c.Write(frame(packetVersion, 0, 0, 0, 3))
		readRequest(c)
		_, _ = c.Write(answer)
		if !ends {
			_, _ = io.Copy(io.Discard, c)
		}
	}
}

func TestServersThatBreakTheProtocol(t *testing.T) {
	t.Parallel()
	const failed, noSFTP = "the SFTP session failed: ", "the server's answer is not SFTP"
	tests := map[string]struct {
		answer []byte
		ends   bool
		part   string
	}{
		"an answer to nothing":    {frame(packetStatus, 0, 0, 0, 77, 0, 0, 0, 0), false, failed + "sid not found: 77"},
		"an empty packet":         {frame(), false, failed + noSFTP},
		"a packet without end":    {[]byte{255, 0, 0, 0}, false, failed + noSFTP},
		"text":                    {[]byte("Session timed out, bye.\r\n"), false, failed + noSFTP},
		"an unknown answer":       {frame(99, firstOwnID>>24, 0, 0, 0), false, failed},
		"an answer cut short":     {frame(105, firstOwnID>>24, 0, 0, 0), false, failed},
		"a status cut short":      {frame(packetStatus, firstOwnID>>24, 0, 0, 0), false, failed},
		"the end":                 {nil, true, "the server ended the SFTP session"},
		"the end within a length": {[]byte{0, 0}, true, "the server ended the SFTP session"},
		"the end within a packet": {[]byte{0, 0, 0, 9, packetStatus}, true, "the server ended the SFTP session"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustDial(t, subsystem(t, answering(test.answer, test.ends)))
			_, err := s.Stat(t.Context(), "/a")
			wantError(t, err, Transient, "stat acme:/a: "+test.part)
			wantDead(t, s, test.part)
		})
	}
}

// Statuses that are odd but are answers leave the session alone.
func TestOddStatuses(t *testing.T) {
	t.Parallel()
	status := func(code byte, text string) []byte {
		return frame(append([]byte{packetStatus, firstOwnID >> 24, 0, 0, 0, 0, 0, 0, code}, text...)...)
	}
	tests := map[string]struct {
		answer []byte
		kind   Kind
		text   string
	}{
		"end of file":       {status(1, ""), Refused, `the server answered "end of file" (SFTP status 1)`},
		"no text":           {status(4, ""), Refused, "the server answered with SFTP status 4 and no text"},
		"connection lost":   {status(7, "\x00\x00\x00\x04gone"), Refused, `the server answered "gone" (SFTP status 7)`},
		"a code of its own": {status(200, "\x00\x00\x00\x02no\x00\x00\x00\x00"), Refused, `the server answered "no" (SFTP status 200)`},
		"its own words":     {status(3, "\x00\x00\x00\x0bover\x07 quota\x00\x00\x00\x02en"), Permission, `permission denied; the server says "over\a quota"`},
		"no such path":      {status(10, ""), Missing, "stat acme:/a: no such file or directory"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustDial(t, subsystem(t, answering(test.answer, false)))
			_, err := s.Stat(t.Context(), "/a")
			wantError(t, err, test.kind, test.text)
			if s.Err() != nil {
				t.Errorf("the session ended: %v", s.Err())
			}
		})
	}
}

func TestServersWithoutSFTP(t *testing.T) {
	t.Parallel()
	const profile = "the account's shell must print nothing"
	tests := map[string]struct {
		says  []byte
		ends  bool
		parts []string
	}{
		"text":           {[]byte("Welcome to the server!\r\nBe good.\r\n"), false, []string{`start SFTP: the server's answer is not SFTP, but "Welcome to the server!": the account's login shell seems to print text`, profile}},
		"short text":     {[]byte("Hi!\n"), false, []string{`"Hi!"`, profile}},
		"text and end":   {[]byte("This account is locked.\n"), true, []string{`"This account is locked."`}},
		"endless text":   {[]byte(strings.Repeat("spam", 10_000)), false, []string{strings.Repeat("spam", 50) + `..."`}},
		"no text":        {[]byte{0xff, 0xfe, 0, 1, 2, 3}, false, []string{"start SFTP: the server's answer is not SFTP"}},
		"the end":        {nil, true, []string{"start SFTP: the server ended the session at once"}},
		"another packet": {frame(packetStatus, 0, 0, 0, 3), false, []string{"start SFTP: the server's answer is not SFTP"}},
		"an old version": {frame(packetVersion, 0, 0, 0, 2), false, []string{"the server speaks version 2 of SFTP, not 3"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), subsystem(t, func(c ssh.Channel) {
				_, _ = c.Write(test.says)
				if !test.ends {
					_, _ = io.Copy(io.Discard, c)
				}
			}))
			wantError(t, err, Transient, append(test.parts, "connect acme: ")...)
		})
	}
	t.Run("no subsystem", func(t *testing.T) {
		t.Parallel()
		sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"Subsystem other /bin/true"}})
		_, err := Dial(t.Context(), sshdTarget(sshd))
		wantError(t, err, Transient, "connect acme: the server offers no SFTP to this account", "ask the server's owner to allow SFTP")
	})
	t.Run("a shell that prints text", func(t *testing.T) {
		t.Parallel()
		server := sftptest.StartServer(t, sftptest.ServerOptions{ShellText: "Last login: yesterday\n"})
		_, err := Dial(t.Context(), serverTarget(server))
		wantError(t, err, Transient, `"Last login: yesterday"`, profile)
	})
	t.Run("no channel", func(t *testing.T) {
		t.Parallel()
		sshd := sftptest.StartSSHD(t, sftptest.SSHDOptions{Config: []string{"MaxSessions 0"}})
		_, err := Dial(t.Context(), sshdTarget(sshd))
		wantError(t, err, Transient, "connect acme: open SFTP channel: ", "MaxSessions, docs/server.md")
	})
}

// A VERSION packet may hold anything: what is known is used, and nothing else hurts.
func TestOddExtensions(t *testing.T) {
	t.Parallel()
	list := func(pairs ...string) (b []byte) {
		for _, s := range pairs {
			b = appendString(b, s)
		}
		return b
	}
	tests := map[string]struct {
		list []byte
		want int
	}{
		"none":        {nil, 0},
		"unknown":     {list("newline@vandyke.com", "\r\n", "supported2", string(random(300)), "", ""), 3},
		"twice":       {list("a", "1", "a", "2"), 1},
		"half a pair": {list("a", "1", "b"), 1},
		"cut short":   {append(list("a", "1"), 0, 0, 1), 1},
		"too long":    {append(list("a", "1"), 255, 255, 255, 255, 1), 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := mustDial(t, subsystem(t, func(c ssh.Channel) {
				readRequest(c)
				_, _ = c.Write(frame(append([]byte{packetVersion, 0, 0, 0, 3}, test.list...)...))
				for p := readRequest(c); p != nil; p = readRequest(c) {
					_, _ = c.Write(frame(append(append([]byte{packetStatus}, p[1:5]...), 0, 0, 0, 2)...))
				}
			}))
			if len(s.mux.extensions) != test.want {
				t.Errorf("extensions %q, want %d", s.mux.extensions, test.want)
			}
			_, err := s.Stat(t.Context(), "/a")
			wantError(t, err, Missing)
		})
	}
}

// A server may say as much as it likes beside the protocol.
func TestChatterOnStandardError(t *testing.T) {
	t.Parallel()
	s := mustDial(t, subsystem(t, func(c ssh.Channel) {
		readRequest(c)
		_, _ = c.Write(frame(packetVersion, 0, 0, 0, 3))
		p := readRequest(c)
		_, _ = c.Stderr().Write(bytes.Repeat([]byte("debug1: "), 1<<20)) // four times what a channel takes unread
		_, _ = c.Write(frame(append(append([]byte{packetStatus}, p[1:5]...), 0, 0, 0, 2)...))
		_, _ = io.Copy(io.Discard, c)
	}))
	_, err := s.Stat(t.Context(), "/a")
	wantError(t, err, Missing)
}

// Limits that no server means are not taken at their word.
func TestWriteLimits(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits Limits
		want   int
	}{
		"none told":      {Limits{}, safeWrite},
		"OpenSSH's":      {Limits{Packet: 262144, Read: 261120, Write: 261120}, 261120},
		"more":           {Limits{Write: 1 << 62}, maxWrite},
		"less":           {Limits{Write: 16384}, 16384},
		"a small packet": {Limits{Packet: 65536, Write: 261120}, 65536 - writeHead},
		"nonsense":       {Limits{Write: 1}, safeWrite},
		"no packet":      {Limits{Packet: 7, Write: 65536}, 65536},
	}
	for name, test := range tests {
		if got := test.limits.write(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
	for _, limits := range []*sftptest.Limits{nil, {Write: 4096}, {Packet: 1 << 40, Write: 1 << 40}, {}} {
		server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: limits})
		s := mustDial(t, serverTarget(server))
		content := random(300_001)
		mustUpload(t, s, "/a", content)
		holds(t, content, server.Dir, "a")
	}
}
