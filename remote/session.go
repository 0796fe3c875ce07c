package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Session is one live SSH connection with one SFTP channel. Its methods may be called from many goroutines. When the
// connection is lost, Done is closed and every call, under way or later, fails with a Transient *Error: a Session is
// never mended, only replaced.
type Session struct {
	target  Target
	conn    *liveConn
	client  *ssh.Client
	mux     *mux
	sftp    *sftp.Client
	hostKey string // SHA256:...
	limits  Limits

	caps atomic.Pointer[Capabilities]
	hash hasher
	dirs sync.Map // remote directories known to exist: string -> struct{}

	dead   chan struct{}
	end    sync.Once
	why    error // set before dead is closed
	pulses sync.WaitGroup
}

// newSession starts SFTP on an authenticated connection. The end of ctx aborts it.
func newSession(ctx context.Context, t Target, client *ssh.Client, conn *liveConn, key Key) (*Session, error) {
	stop := context.AfterFunc(ctx, conn.abort)
	defer stop()
	s := &Session{target: t, conn: conn, client: client, hostKey: key.Fingerprint, dead: make(chan struct{})}
	s.caps.Store(&Capabilities{})
	channel, err := client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open SFTP channel: %w", err)
	}
	out, err := channel.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open SFTP channel: %w", err)
	}
	in, err := channel.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("open SFTP channel: %w", err)
	}
	if err := channel.RequestSubsystem("sftp"); err != nil {
		return nil, fmt.Errorf("the server offers no SFTP to this account: %w", err)
	}
	if s.mux, err = newMux(in, out); err != nil {
		return nil, err
	}
	if s.limits, err = s.mux.askLimits(); err != nil {
		return nil, err
	}
	// Concurrent reads lose data where the packet size passes the server's read limit (pkg/sftp#658).
	s.sftp, err = sftp.NewClientPipe(s.mux, s.mux, sftp.MaxPacketUnchecked(s.limits.write()),
		sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(false))
	if err != nil {
		return nil, fmt.Errorf("start SFTP: %w", err)
	}
	if !stop() {
		return nil, context.Cause(ctx)
	}
	s.pulses.Go(s.pulse)
	s.pulses.Go(func() {
		err := client.Wait()
		s.kill(fmt.Errorf("the connection was closed: %w", err))
	})
	return s, nil
}

// Done is closed when the session is no longer usable.
func (s *Session) Done() <-chan struct{} { return s.dead }

// Err returns why the session ended, nil while it lives.
func (s *Session) Err() error {
	select {
	case <-s.dead:
		return s.why
	default:
		return nil
	}
}

// Close ends the session at once and waits for its goroutines. Requests under way fail.
func (s *Session) Close() {
	s.kill(errors.New("session closed"))
	_ = s.sftp.Close() // the connection under it is gone already
	s.pulses.Wait()
}

// kill ends the session. Closing the network connection frees every call that waits on it, with nothing left behind;
// closing the SFTP client or the SSH connection first would wait for locks that a blocked sender holds.
func (s *Session) kill(why error) {
	s.end.Do(func() {
		s.why = why
		close(s.dead)
		s.conn.abort()
	})
}

// pulse watches over the connection's life: after a silence of Keepalive it provokes traffic, after one of StallTimeout
// it gives the connection up.
func (s *Session) pulse() {
	every := max(min(s.target.Keepalive, s.target.StallTimeout)/4, 10*time.Millisecond)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var asking atomic.Bool // x/crypto holds a lock until the reply: one at a time, and never waited for here
	for {
		select {
		case <-s.dead:
			return
		case <-ticker.C:
		}
		silence := s.conn.silence()
		if silence >= s.target.StallTimeout {
			s.kill(fmt.Errorf("nothing was received for %v (stall_timeout)", s.target.StallTimeout))
			return
		}
		if silence >= s.target.Keepalive && asking.CompareAndSwap(false, true) {
			s.pulses.Go(func() {
				defer asking.Store(false)
				_, _, _ = s.client.SendRequest("keepalive@openssh.com", true, nil) // only the traffic matters
			})
		}
	}
}

// slowLimit bounds requests that work through a whole file at the server: fsync, close, hash.
func slowLimit(size int64) time.Duration {
	return 10*time.Minute + time.Duration(size/(20<<20))*time.Second
}

// do makes one request under a deadline: a request that takes longer than limit ends the session, since nothing else
// frees it. A server's sftp process can hang while its sshd still answers keepalives, so the pulse alone is not enough.
func (s *Session) do(op, path string, limit time.Duration, request func() error) error {
	if limit == 0 {
		limit = s.target.StallTimeout
	}
	timer := time.AfterFunc(limit, func() {
		s.kill(fmt.Errorf("%s %s was not answered within %v", op, path, limit))
	})
	defer timer.Stop()
	return s.wrap(op, path, request())
}

// wrap turns an error of pkg/sftp or of this package into an *Error.
func (s *Session) wrap(op, path string, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	kind := classify(err)
	if why := s.Err(); why != nil && kind == Transient {
		err = why
	}
	e := &Error{Op: op, Destination: s.target.Name, Path: path, Kind: kind, Err: plain(err)}
	switch kind {
	case Missing:
		e.Err = fs.ErrNotExist
	case Permission:
		e.Err = fs.ErrPermission
	}
	return e
}

// HostKey returns the fingerprint of the server's key, SHA256:...
func (s *Session) HostKey() string { return s.hostKey }

// Traffic returns the bytes received from and sent to the network so far, SSH's own included.
func (s *Session) Traffic() (received, sent int64) { return s.conn.received.Load(), s.conn.sent.Load() }
