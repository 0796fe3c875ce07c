package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// trail is the way to a server: the jump hosts on it, the nearest first, with their accounts logged in. The network knows
// one connection, to the first; each other one goes through the one before it, and ends with it.
type trail struct {
	hops  []*hop
	waits sync.WaitGroup
}

// hop is a jump host that has let us in.
type hop struct {
	name   string
	target *Target
	client *ssh.Client
	conn   *liveConn
	over   chan struct{} // closed when the connection has ended
	ended  error         // how; set before over is closed
}

// openTrail logs in to the target's jump hosts, one through the other. Each has its own host key, account and
// ConnectTimeout; the end of ctx ends all of it. What fails is told with the jump host's name.
func (t *Target) openTrail(ctx context.Context) (*trail, error) {
	way := &trail{}
	for i := range t.Jump {
		jump := t.Jump[i].withDefaults()
		if err := way.extend(ctx, &jump); err != nil {
			way.close()
			return nil, way.behind(jumpError(jump.Name, err))
		}
	}
	return way, nil
}

func (w *trail) extend(ctx context.Context, t *Target) error {
	account, err := t.prove(ctx)
	if err != nil {
		return err
	}
	defer account.release()
	var in *login
	err = t.Gate.pass(ctx, account, func() (err error) {
		in, err = t.dialTrusted(ctx, w, account)
		return err
	})
	if err != nil {
		return err
	}
	h := &hop{name: t.Name, target: t, client: in.client, conn: in.conn, over: make(chan struct{})}
	w.waits.Go(func() {
		h.ended = h.client.Wait()
		close(h.over)
	})
	w.hops = append(w.hops, h)
	return nil
}

// last is the hop that a connection goes through; nil where it goes to the network.
func (w *trail) last() *hop {
	if len(w.hops) == 0 {
		return nil
	}
	return w.hops[len(w.hops)-1]
}

// close ends the way, and whatever goes through it.
func (w *trail) close() {
	if h := w.last(); h != nil {
		h.conn.abort()
	}
	w.waits.Wait()
}

// lost returns why a way has ended by itself, nil where it has not or was ended.
func (w *trail) lost() error {
	for _, h := range w.hops {
		select {
		case <-h.over:
		case <-time.After(time.Second): // never so long once the connection is closed, but nothing here may hang
			return nil
		}
		switch {
		case errors.Is(h.ended, net.ErrClosed):
		case isEnd(h.ended):
			return fmt.Errorf("jump host %s closed the connection", h.name)
		default:
			return fmt.Errorf("the connection to jump host %s was lost: %w", h.name, h.ended)
		}
	}
	return nil
}

// dial has the jump host connect to addr, host:port, whose name it looks up itself. The end of ctx aborts the whole way.
// See Session.open for why a channel is not asked for in any other manner.
func (h *hop) dial(ctx context.Context, addr string) (net.Conn, error) {
	h.conn.opening.Add(1)
	defer h.conn.opening.Add(-1)
	if h.conn.failed.Load() {
		return nil, jumpError(h.name, errGone)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	opened := make(chan result, 1)
	go func() {
		conn, err := h.client.Dial("tcp", addr)
		opened <- result{conn, err}
	}()
	select {
	case r := <-opened:
		if r.err != nil {
			return nil, h.refused(addr, r.err)
		}
		return r.conn, nil
	case <-h.over:
		return nil, jumpError(h.name, h.ended)
	case <-ctx.Done():
		h.conn.abort()
		return nil, context.Cause(ctx)
	}
}

// refused words why a jump host does not connect further, RFC 4254 section 5.1.
func (h *hop) refused(addr string, err error) error {
	open, ok := errors.AsType[*ssh.OpenChannelError](err)
	if !ok {
		return jumpError(h.name, err)
	}
	switch open.Reason {
	case ssh.Prohibited:
		return &advised{
			fmt.Errorf("jump host %s does not let the account connect further, to %s: %s", h.name, addr, open.Message),
			"ask the owner of " + h.name + " to allow it: AllowTcpForwarding, PermitOpen and the like in OpenSSH",
		}
	case ssh.ConnectionFailed:
		return fmt.Errorf("jump host %s cannot reach %s: %s", h.name, addr, open.Message)
	}
	return fmt.Errorf("jump host %s did not connect to %s: %w", h.name, addr, err)
}

// errBehind marks a failure beyond a jump host that has let the account in.
var errBehind = errors.New("behind a login")

// behind marks err where jump hosts have let us in on the way to it.
func (w *trail) behind(err error) error {
	if len(w.hops) == 0 {
		return err
	}
	return &marked{plain(err), errBehind}
}

// BehindLogin tells whether somebody was logged in to for a connection that then failed: a jump host, which sees a login at
// each further attempt, whatever it comes to.
func BehindLogin(err error) bool { return errors.Is(err, errBehind) }

// jumpError is err, which happened at a jump host or on the way to it.
func jumpError(name string, err error) error { return &throughError{jump: name, err: plain(err)} }

// throughError is an error of a jump host.
type throughError struct {
	jump string
	err  error
}

func (e *throughError) Error() string { return "jump host " + e.jump + ": " + e.err.Error() }
func (e *throughError) Unwrap() error { return e.err }

// advised is an error with what a person can do about it.
type advised struct {
	error
	hint string
}

func (e *advised) Unwrap() error { return e.error }
