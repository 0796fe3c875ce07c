package sftptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

func TestWireRelays(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	up, down := random(5<<20), random(3<<20)
	sent := async(func() error {
		_, err := client.Write(up)
		return errors.Join(err, client.(*net.TCPConn).CloseWrite())
	})
	answered := async(func() error {
		got, err := io.ReadAll(server)
		if err == nil && !bytes.Equal(got, up) {
			err = errors.New("other bytes arrived")
		}
		if err == nil { // the other direction is open still
			_, err = server.Write(down)
		}
		return errors.Join(err, server.Close())
	})
	got, err := io.ReadAll(client)
	if err != nil || !bytes.Equal(got, down) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if err := errors.Join(soon(t, "sending", sent), soon(t, "answering", answered)); err != nil {
		t.Error(err)
	}
	if s, r, n := w.Stats(); s != int64(len(up)) || r != int64(len(down)) || n != 1 {
		t.Errorf("%d up, %d down, %d connections", s, r, n)
	}
}

func TestWirePassesResetsOn(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	send(t, client, "last words")
	expect(t, server, "last words")
	reset(client)
	wasReset(t, server)
	client, server = p.through(t, w)
	reset(server)
	wasReset(t, client)
}

// A sender learns that the other side is gone, although it has had the end of the other direction before.
func TestWireTellsOfASideThatTakesNoMore(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	w.SetDelay(10 * time.Millisecond)
	client, server := p.through(t, w)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(client); err != nil {
		t.Fatalf("the end of the other direction: %v", err)
	}
	var err error
	for deadline := time.Now().Add(patience); err == nil && time.Now().Before(deadline); {
		_, err = client.Write(make([]byte, 1000))
	}
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v", err)
	}
}

// inTime measures until once what is measured takes at most the limit: a busy machine may disturb some attempts, but
// not all. It must never take less than the least.
func inTime(t *testing.T, what string, least, limit time.Duration, measure func()) {
	t.Helper()
	var took time.Duration
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		begin := time.Now()
		measure()
		took = time.Since(begin)
		if took < least {
			t.Fatalf("%s took %v, want at least %v", what, took, least)
		}
		if took <= limit {
			return
		}
	}
	t.Errorf("%s took %v, want at most %v", what, took, limit)
}

func TestWireDelay(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	client, server := p.through(t, w)
	w.SetDelay(40 * time.Millisecond)
	inTime(t, "a round trip", 80*time.Millisecond, 100*time.Millisecond, func() {
		send(t, client, "ping")
		expect(t, server, "ping")
		send(t, server, "pong")
		expect(t, client, "pong")
	})
	inTime(t, "the end of a connection", 40*time.Millisecond, patience, func() {
		if err := client.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(server); err != nil {
			t.Error(err)
		}
	})
}

// transfer sends size bytes from one end to the other, and their end.
func transfer(client, server net.Conn, size int) (sent, received <-chan error) {
	sent = async(func() error {
		_, err := client.Write(make([]byte, size))
		return errors.Join(err, client.Close())
	})
	return sent, async(func() error {
		n, err := io.Copy(io.Discard, server)
		if err == nil && n != int64(size) {
			err = fmt.Errorf("%d bytes arrived, not %d", n, size)
		}
		return err
	})
}

func TestWireRate(t *testing.T) {
	const rate, size = 8 << 20, 2 << 20
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	sendTwice := func() { // two connections share the rate
		var ends []<-chan error
		for range 2 {
			client, server := p.through(t, w)
			sent, received := transfer(client, server, size/2)
			ends = append(ends, sent, received)
		}
		for _, e := range ends {
			if err := soon(t, "the transfer", e); err != nil {
				t.Error(err)
			}
		}
	}
	w.SetRate(rate)
	want := time.Second * size / rate
	inTime(t, "a transfer at a rate", want-linkCredit, want*5/4, sendTwice)
	w.SetRate(0)
	inTime(t, "a transfer without a rate", 0, want/2, sendTwice)
}

// A delay must not limit what is under way: the receiver's window is the client's business.
func TestWireCarriesManyBytesUnderWay(t *testing.T) {
	p := newPeer(t)
	w := StartWire(t, p.listener.Addr().String())
	w.SetDelay(time.Hour)
	client, server := p.through(t, w)
	if err := soon(t, "sending", async(func() error { _, err := client.Write(make([]byte, 60<<20)); return err })); err != nil {
		t.Error(err)
	}
	quiet(t, server)
}

func BenchmarkWire(b *testing.B) {
	for _, delay := range []time.Duration{0, 25 * time.Millisecond} {
		b.Run("oneway="+delay.String(), func(b *testing.B) { benchmarkWire(b, delay, 4) })
	}
}

// benchmarkWire moves 64 MiB over each of several connections at once.
func benchmarkWire(b *testing.B, delay time.Duration, connections int) {
	const size = 64 << 20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	w, err := NewWire(l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // the test is over
	w.SetDelay(delay)
	chunk := make([]byte, 256<<10)
	b.SetBytes(int64(size * connections))
	for b.Loop() {
		var all sync.WaitGroup
		for range connections {
			client, err := net.Dial("tcp", w.Addr())
			if err != nil {
				b.Fatal(err)
			}
			server, err := l.Accept()
			if err != nil {
				b.Fatal(err)
			}
			all.Go(func() {
				defer client.Close() //nolint:errcheck // the test is over
				for range size / len(chunk) {
					if _, err := client.Write(chunk); err != nil {
						b.Error(err)
						return
					}
				}
			})
			all.Go(func() {
				defer server.Close() //nolint:errcheck // the test is over
				buffer := make([]byte, 256<<10)
				for {
					if _, err := server.Read(buffer); err != nil {
						return
					}
				}
			})
		}
		all.Wait()
	}
}
