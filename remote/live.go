package remote

import (
	"net"
	"sync/atomic"
	"time"
)

// clock remembers when something last happened. Its base carries a monotonic reading, so that a changed wall clock does
// no harm.
type clock struct {
	base time.Time
	last atomic.Int64 // nanoseconds since base
}

func newClock() *clock { return &clock{base: time.Now()} }

func (c *clock) touch() { c.last.Store(int64(time.Since(c.base))) }

// since returns how long ago it was, counted from the clock's making where it has not happened yet.
func (c *clock) since() time.Duration { return time.Since(c.base) - time.Duration(c.last.Load()) }

// stillShare is the share of a timeout by which a timer has to be late for its process to have stood still, and the one that is waited
// once more then.
const stillShare = 4

// stoodStill tells whether a timer that was due then has fired so late that this process itself stood still: it was stopped, or had no
// processor. What has come in meanwhile waits to be read, so that a silence proves nothing.
func stoodStill(due time.Time, timeout time.Duration) bool {
	return time.Since(due) > timeout/stillShare
}

// bulk is a write to the network that carries content and no keepalive, in bytes.
const bulk = 4 << 10

// floor is what a line has to carry within the stall timeout to be alive while something is sent: one packet of SSH, in
// bytes, where the system takes no more at once; where it buffers more, one WRITE, since it is the acknowledgement that
// shows then. What trickles more slowly counts as silence.
const floor = 32 << 10

// liveConn counts what passes through a connection and knows when a byte last came in. Any byte proves that the other
// side lives; the reply to a particular keepalive does not, because it queues behind the data that is in flight.
type liveConn struct {
	net.Conn
	in        *clock // a byte has come in
	moved     *clock // the system has taken content: the way to the server is not blocked
	received  atomic.Int64
	sent      atomic.Int64
	failed    atomic.Bool  // a read has failed
	opening   atomic.Int32 // channels that are being opened
	aborted   atomic.Bool
	announced chan []byte // what the server says of its host keys: see overhear
	under     *liveConn   // that this one goes through; nil where it goes through none
}

// openGrace is for how long the end of a connection is kept from x/crypto/ssh while a channel is being opened: see
// Session.open.
const openGrace = 100 * time.Millisecond

func newLiveConn(c net.Conn, under *liveConn) *liveConn {
	return &liveConn{Conn: c, in: newClock(), moved: newClock(), under: under, announced: make(chan []byte, 1)}
}

func (c *liveConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.in.touch()
		c.received.Add(int64(n))
	}
	if err != nil {
		if c.aborted.Load() {
			err = net.ErrClosed // a connection through another one calls it an end
		}
		c.failed.Store(true)
		if c.opening.Load() > 0 {
			time.Sleep(openGrace)
		}
	}
	return n, err
}

func (c *liveConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if n >= bulk {
		c.moved.touch()
	}
	c.sent.Add(int64(n))
	return n, err
}

// abort closes the connection at once, and those that it goes through, without waiting for unsent data to drain. The one
// to the network goes first: to close one that goes through it says so to the other side, which may hang.
func (c *liveConn) abort() {
	c.aborted.Store(true)
	if c.under != nil {
		c.under.abort()
	}
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: the close below is what matters
	}
	_ = c.Close() // the connection is given up: its own error adds nothing
}
