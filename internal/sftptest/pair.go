package sftptest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// pair is one connection over a wire: the client's and the one to the target.
type pair struct {
	wire *Wire
	ctx  context.Context
	end  context.CancelFunc

	up, down *line

	mu             sync.Mutex
	client, server net.Conn // server is nil until it is dialled
	gone           bool
}

// dialTimeout is for the target, which is on the same machine. Close may have to wait for it.
const dialTimeout = 5 * time.Second

func newPair(ctx context.Context, w *Wire, client net.Conn) *pair {
	p := &pair{wire: w, client: client, up: newLine(), down: newLine()}
	p.ctx, p.end = context.WithCancel(ctx)
	return p
}

// reset ends the pair with a RST on both sides.
func (p *pair) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.end()
	reset(p.client)
	if p.server != nil {
		reset(p.server)
	}
}

// run relays until both directions have ended, or one by a reset.
func (p *pair) run() {
	if err := p.dial(); err != nil {
		p.reset()
		return
	}
	var work sync.WaitGroup
	defer work.Wait()
	ups, downs := p.wire.up, p.wire.down
	work.Go(func() { p.fill(p.client, ups, p.up) })
	work.Go(func() { p.fill(p.server, downs, p.down) })
	var orderly sync.WaitGroup
	orderly.Go(func() { p.drain(p.server, ups, p.up, downs) })
	orderly.Go(func() { p.drain(p.client, downs, p.down, ups) })
	orderly.Wait()
	if p.ctx.Err() == nil {
		p.close()
	}
	p.reset()
}

// close ends both connections in the ordinary way: a reset after it finds nothing to drop.
func (p *pair) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.client.Close() // whatever was wrong has ended the relaying
	_ = p.server.Close()
}

// dial connects to the target, once the way to it is open.
func (p *pair) dial() error {
	if err := p.wire.up.listen(p.ctx); err != nil {
		return err
	}
	// Not under the context: a dial that is cancelled too late ends with a FIN, where the target should see a RST.
	c, err := net.DialTimeout("tcp", p.wire.target, dialTimeout)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		reset(c)
		return net.ErrClosed
	}
	p.server = c
	return nil
}

// fill reads what one side sends and puts it on the line.
func (p *pair) fill(from net.Conn, over *link, to *line) {
	for {
		if over.listen(p.ctx) != nil {
			return
		}
		atOnce, underWay := over.portion()
		room, err := to.room(p.ctx, underWay)
		if err != nil {
			return
		}
		n, err := from.Read(room[:min(atOnce, len(room))])
		// A read that began before a silence ends in it.
		if over.listen(p.ctx) != nil {
			return
		}
		due, gone := over.send(p.ctx, n)
		if gone != nil {
			return
		}
		if n > 0 {
			to.commit(n, due)
		}
		if err != nil {
			to.finish(!errors.Is(err, io.EOF), due)
			return
		}
	}
}

// drain writes to one side what comes out of the line. An end is passed on. From a side that takes no more, a reset
// goes back the other way.
func (p *pair) drain(to net.Conn, over *link, from *line, backOver *link) {
	for {
		bytes, err := from.next(p.ctx)
		if over.listen(p.ctx) != nil {
			return
		}
		switch {
		case errors.Is(err, errLineEnd):
			if tcp, ok := to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite() // a side that is gone has told so by its own end
			}
			return
		case err != nil: // a reset of the other side, or the end of the wire
			p.reset()
			return
		}
		n, cutting := len(bytes), (*cut)(nil)
		if over == p.wire.up {
			n, cutting = p.wire.allow(n)
		}
		n, err = to.Write(bytes[:n])
		over.passed.Add(int64(n))
		from.release(len(bytes))
		if cutting != nil {
			p.wire.Cut()
			close(cutting.done)
			return
		}
		if err != nil {
			if backOver.travel(p.ctx) == nil {
				p.reset()
			}
			return
		}
	}
}
