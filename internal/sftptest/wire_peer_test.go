package sftptest

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// peer is a TCP server that keeps what it gets.
type peer struct {
	listener net.Listener
	conns    chan net.Conn
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{listener: l, conns: make(chan net.Conn, 64)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.conns <- c
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		running.Wait()
		close(p.conns)
		for c := range p.conns {
			_ = c.Close()
		}
	})
	return p
}

// through connects to the peer over a wire and returns both ends.
func (p *peer) through(t *testing.T, w *Wire) (client, server net.Conn) {
	t.Helper()
	client = connect(t, w)
	server = soon(t, "the connection arrives", p.conns)
	t.Cleanup(func() { _ = server.Close() })
	return client, server
}

func connect(t *testing.T, w *Wire) net.Conn {
	t.Helper()
	c, err := net.DialTimeout("tcp", w.Addr(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

func expect(t *testing.T, c net.Conn, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

// quiet checks that nothing comes for a moment, not even an end.
func quiet(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v, where nothing should come", n, err)
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
}

// wasReset checks that a connection ends by a RST.
func wasReset(t *testing.T, c net.Conn) {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err := io.Copy(io.Discard, c)
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection ended with %v, want a reset", err)
	}
}
