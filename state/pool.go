package state

import (
	"errors"
	"sync"
)

// maxIdle readers keep their connection, with its statements and page cache, for the next read.
const maxIdle = 4

// pool holds the connections for reading. Walks, which hand rows to their callers, never wait for one: who reads inside a
// walk would wait for himself. Reads that are over soon wait for their turn, since a connection costs far more than they do.
type pool struct {
	connect func() (*conn, error)
	brief   chan struct{} // holds a token for each brief read under way

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

func newPool(connect func() (*conn, error)) *pool {
	return &pool{connect: connect, brief: make(chan struct{}, maxIdle)}
}

func (p *pool) acquire() (*conn, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	return p.connect()
}

// release takes a connection back; one that is not healthy is not used again.
func (p *pool) release(c *conn, healthy bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if healthy && !p.closed && len(p.idle) < maxIdle {
		p.idle = append(p.idle, c)
		return nil
	}
	return c.close()
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	var errs []error
	for _, c := range p.idle {
		errs = append(errs, c.close())
	}
	p.idle = nil
	return errors.Join(errs...)
}
