package sftptest

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestWireCutAfter(t *testing.T) {
	for _, n := range []int64{0, 1, 100_000, 1 << 20} {
		p := newPeer(t)
		w := StartWire(t, p.listener.Addr().String())
		client, server := p.through(t, w)
		idle, idleServer := p.through(t, w)
		cut := w.CutAfter(n)
		counted := make(chan int64, 1)
		go func() {
			got, _ := io.Copy(io.Discard, server) // ends by the reset
			counted <- got
		}()
		_, err := client.Write(make([]byte, 4<<20))
		soon(t, "the cut", cut)
		// Everything may go into buffers before the reset comes back. The kernel tells of it once.
		if err == nil {
			wasReset(t, client)
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v, want a reset", err)
		}
		wasReset(t, idle)
		wasReset(t, idleServer)
		if got := soon(t, "the server's end", counted); got > n {
			t.Errorf("%d bytes reached the server, want at most %d", got, n)
		}
		if sent, _, _ := w.Stats(); sent != n {
			t.Errorf("%d bytes passed, want %d", sent, n)
		}
		// Once only.
		client, server = p.through(t, w)
		send(t, client, "again")
		expect(t, server, "again")
	}
}

func TestWireCutAfterTakenBack(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	w.CutAfter(3)
	w.CutAfter(-1)
	send(t, client, "more than three")
	expect(t, server, "more than three")
}

func TestWireCut(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	w.Cut()
	wasReset(t, client)
	wasReset(t, server)
}

func TestWireBlackhole(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	send(t, client, "before")
	expect(t, server, "before")
	w.Blackhole(true)
	send(t, client, "up")
	send(t, server, "down")
	quiet(t, client)
	quiet(t, server)
	late := connect(t, w)
	send(t, late, "late")
	quiet(t, late)
	select {
	case <-p.conns:
		t.Fatal("a connection came through a blackhole")
	default:
	}
	w.Blackhole(false)
	expect(t, server, "up")
	expect(t, client, "down")
	expect(t, soon(t, "the late connection", p.conns), "late")
}

func TestWireBlackholeHidesEnds(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	w.Blackhole(true)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	quiet(t, server)
	w.Blackhole(false)
	if _, err := io.ReadAll(server); err != nil {
		t.Error(err)
	}
}

func TestWireBlackholeStopsTheSender(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, _ := p.through(t, w)
	w.Blackhole(true)
	if err := client.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Write(make([]byte, 64<<20)); err == nil {
		t.Errorf("%d bytes went into a blackhole", n)
	}
}

func TestWireOneWaySilence(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	tests := []struct {
		name              string
		silence           func(bool)
		from, to          net.Conn // what is silent
		backFrom, backTo  net.Conn // what is not
		connectionsArrive bool
	}{
		{"up", w.BlackholeUp, client, server, server, client, false},
		{"down", w.BlackholeDown, server, client, client, server, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.silence(true)
			send(t, tt.from, "unheard")
			send(t, tt.backFrom, "heard")
			expect(t, tt.backTo, "heard")
			quiet(t, tt.to)
			connect(t, w)
			if tt.connectionsArrive {
				_ = soon(t, "a connection", p.conns).Close()
			}
			tt.silence(false)
			expect(t, tt.to, "unheard")
			if !tt.connectionsArrive {
				_ = soon(t, "the connection", p.conns).Close()
			}
		})
	}
}

func TestWireRefuse(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	w.Refuse(true)
	if c, err := net.Dial("tcp", w.Addr()); err == nil { // the reset may be quicker than the call
		wasReset(t, c)
		_ = c.Close()
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	send(t, client, "open ones go on")
	expect(t, server, "open ones go on")
	w.Refuse(false)
	p.through(t, w)
	if _, _, n := w.Stats(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

func TestWireToNobody(t *testing.T) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	w := StartWire(t, (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String())
	if c, err := net.Dial("tcp", w.Addr()); err == nil { // the reset may be quicker than the call
		wasReset(t, c)
		_ = c.Close()
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
}

func TestWireCloseEndsWhatIsFrozen(t *testing.T) {
	p := newPeer(t)
	w, err := NewWire(p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client, server := p.through(t, w)
	w.SetDelay(time.Hour)
	send(t, client, "under way")
	w.Blackhole(true)
	waiting := connect(t, w)
	if err := soon(t, "the end", async(w.Close)); err != nil {
		t.Error(err)
	}
	for _, c := range []net.Conn{client, server, waiting} {
		wasReset(t, c)
	}
}
