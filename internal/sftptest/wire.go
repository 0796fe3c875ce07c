package sftptest

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// Wire is a TCP path with faults: it listens on a loopback port and relays each connection to its target. Its faults
// concern all connections, those that are open too, and may be changed at any time.
type Wire struct {
	target  string
	ctx     context.Context // of all connections; Close ends it
	stop    context.CancelFunc
	running sync.WaitGroup

	up, down *link // client to server, server to client

	mu          sync.Mutex
	listener    net.Listener
	shut        bool
	pairs       map[*pair]struct{}
	connections int
	refuse      bool
	cut         *cut // nil is none ahead
}

// cut is a CutAfter that has not happened.
type cut struct {
	left int64
	done chan struct{}
}

// NewWire starts a wire to target, host:port. Close ends it.
func NewWire(target string) (*Wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	w := &Wire{
		target: target, listener: l, ctx: ctx, stop: stop, up: newLink(), down: newLink(), pairs: map[*pair]struct{}{},
	}
	w.running.Go(func() { w.accept(l) })
	return w, nil
}

// Addr returns the address to connect to, host:port.
func (w *Wire) Addr() string { return w.listens().Addr().String() }

// Host returns the address's host.
func (w *Wire) Host() string { return hostOf(w.listens()) }

// Port returns the address's port.
func (w *Wire) Port() int { return portOf(w.listens()) }

// listens returns the listener, which knows its address when it is closed, too.
func (w *Wire) listens() net.Listener {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.listener
}

// Close ends the wire and its connections, and waits for its goroutines.
func (w *Wire) Close() error {
	w.stop()
	err := w.listens().Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	w.Cut()
	w.running.Wait()
	return err
}

// SetDelay lets each byte take so long in each direction: the round trip is twice that. Only the time of setting up a
// TCP connection is not delayed. Up to 64 MiB of a direction of a connection are under way at once.
func (w *Wire) SetDelay(oneWay time.Duration) {
	w.up.setDelay(oneWay)
	w.down.setDelay(oneWay)
}

// SetRate limits each direction to so many bytes a second, all connections together; 0 is no limit.
func (w *Wire) SetRate(bytesPerSecond int) {
	w.up.setRate(bytesPerSecond)
	w.down.setRate(bytesPerSecond)
}

// CutAfter lets n more bytes through from clients to the server, all connections together, and then resets both sides
// of all connections, once; n below 0 takes that back. Later connections work. The channel is closed when it happens.
func (w *Wire) CutAfter(n int64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = nil
	done := make(chan struct{})
	if n >= 0 {
		w.cut = &cut{n, done}
	}
	return done
}

// Cut resets both sides of all connections now: bytes under way are lost. Later connections work.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for p := range w.pairs {
		p.reset()
	}
}

// Blackhole keeps connections, accepts new ones and passes nothing in either direction, no end of a connection either.
// What was under way passes when it ends, as TCP would repeat it.
func (w *Wire) Blackhole(on bool) {
	w.BlackholeUp(on)
	w.BlackholeDown(on)
}

// BlackholeUp passes nothing from clients to the server.
func (w *Wire) BlackholeUp(on bool) { w.up.silence(on) }

// BlackholeDown passes nothing from the server to clients.
func (w *Wire) BlackholeDown(on bool) { w.down.silence(on) }

// Refuse resets new connections at once. Those that are open go on.
func (w *Wire) Refuse(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = on
}

// Shut lets nobody listen, so that the system refuses new connections, as at a host whose server is down. Those that are
// open go on. It fails where the port cannot be had again.
func (w *Wire) Shut(on bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on == w.shut || w.ctx.Err() != nil {
		return nil
	}
	if on {
		w.shut = true
		syscall.ForkLock.RLock() // a process that is being started would listen on, until it is
		defer syscall.ForkLock.RUnlock()
		return w.listener.Close()
	}
	l, err := net.Listen("tcp", w.listener.Addr().String())
	if err != nil {
		return err
	}
	w.listener, w.shut = l, false
	w.running.Go(func() { w.accept(l) })
	return nil
}

// Stats returns the bytes that have reached the server and the clients, and how many connections clients have
// made, refused ones too.
func (w *Wire) Stats() (sent, received int64, connections int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up.passed.Load(), w.down.passed.Load(), w.connections
}

func (w *Wire) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue // the one client is gone, or files are short: not the end of the wire
		}
		w.mu.Lock()
		w.connections++
		if w.refuse || w.ctx.Err() != nil { // or too late for Close to find it
			w.mu.Unlock()
			reset(c)
			continue
		}
		p := newPair(w.ctx, w, c)
		w.pairs[p] = struct{}{}
		w.mu.Unlock()
		w.running.Go(func() {
			p.run()
			w.mu.Lock()
			delete(w.pairs, p)
			w.mu.Unlock()
		})
	}
}

// allow returns how many of n bytes may go up, and whether the connections are to be cut then.
func (w *Wire) allow(n int) (int, *cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.cut
	if c == nil {
		return n, nil
	}
	if int64(n) < c.left {
		c.left -= int64(n)
		return n, nil
	}
	w.cut = nil
	return int(c.left), c
}
