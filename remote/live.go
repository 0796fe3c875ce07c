package remote

import (
	"net"
	"sync/atomic"
	"time"
)

// liveConn counts what passes through a connection and knows when a byte last came in. Any byte proves that the other
// side lives; the reply to a particular keepalive does not, because it queues behind the data that is in flight.
type liveConn struct {
	net.Conn
	epoch    time.Time    // base of lastIn; its monotonic reading keeps a changed wall clock out
	lastIn   atomic.Int64 // nanoseconds since epoch
	received atomic.Int64
	sent     atomic.Int64
}

func newLiveConn(c net.Conn) *liveConn {
	return &liveConn{Conn: c, epoch: time.Now()}
}

func (c *liveConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.lastIn.Store(int64(time.Since(c.epoch)))
		c.received.Add(int64(n))
	}
	return n, err
}

func (c *liveConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

// silence returns how long nothing has come in.
func (c *liveConn) silence() time.Duration {
	return time.Since(c.epoch) - time.Duration(c.lastIn.Load())
}

// abort closes the connection at once, without waiting for unsent data to drain.
func (c *liveConn) abort() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: the close below is what matters
	}
	_ = c.Close() // the connection is given up: its own error adds nothing
}
