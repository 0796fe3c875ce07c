package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
)

// Session is one live SSH connection with one SFTP channel, or more of them, and further connections, for uploads. Its methods may be called from many goroutines. When the
// connection or the channel is lost, Done is closed and every call, under way or later, fails with a Transient *Error: a
// Session is never mended, only replaced. By the time that a caller gets such an error, Done is closed.
//
// The end of a call's context is seen before a request is sent and between the parts of a transfer; one request under
// way ends with its reply, its deadline or the session.
type Session struct {
	target Target
	connection
	berths  berths // where lanes are
	hostKey string // SHA256:...
	profile *profile
	// profileBy says where the profile is from; "" where nothing is known of the server.
	profileBy string
	limits    Limits
	packet    atomic.Int64 // payload of a WRITE, in bytes
	trip      roundTrip
	lane            // the first
	lanes     lanes // and the others
	copying   apart // and one that makes files of others
	flow      flow  // over all of them
	worth     worth // of further connections
	uploads   atomic.Int64
	striped   sync.Map // temps that were written over several of them, until they are verified

	caps      atomic.Pointer[Capabilities]
	noting    atomic.Pointer[func(names []string) (done func(), err error)] // see Noting
	hash      hasher
	small     atomic.Int64 // files of more bytes are not read back in place of being hashed; see verifySmall
	proofs    sync.Map     // what uploads have shown of their own temps, until they are verified: string -> *proved; see echo
	spare     spare        // for the next command
	execs     atomic.Bool  // a command was run
	commands  commands     // under way
	handles   turns        // open files
	dirs      dirs
	told      sync.Map    // uploads of which the server tells nothing any more once they are closed: string -> Info
	lateTimes atomic.Bool // times are set by name, behind the close: by handle they are refused
	largeCut  atomic.Bool // the session's end counts in LargeCuts
	slow      slowOnes    // requests under way that work through a whole file: see watch

	dead   chan struct{}
	life   context.Context    //nolint:containedctx // ends when dead is closed, for those that wait on a context
	expire context.CancelFunc // ends life
	end    sync.Once
	scope  sync.Mutex // no goroutine begins in the session's scope once dead is closed
	why    error      // set before dead is closed
	lost   bool       // it has ended, rather than been ended; likewise
	pulses sync.WaitGroup
}

// errNoSFTP is for a server that refuses the subsystem.
var errNoSFTP = errors.New("the server offers no SFTP to this account")

// newSession starts SFTP on an authenticated connection. The end of ctx aborts it.
func newSession(ctx context.Context, t Target, in *login) (*Session, error) {
	client, conn := in.client, in.conn
	stop := context.AfterFunc(ctx, conn.abort)
	defer stop()
	s := &Session{
		target: t, connection: connection{conn: conn, client: client, way: in.way, waited: make(chan struct{})},
		hostKey: in.key.Fingerprint, profile: &profile{}, dead: make(chan struct{}),
	}
	s.life, s.expire = context.WithCancel(context.Background())
	s.caps.Store(&Capabilities{})
	s.small.Store(smallNearby)
	s.pulses.Go(func() {
		s.ended = client.Wait()
		close(s.waited)
		if !errors.Is(s.ended, net.ErrClosed) { // else whoever has closed it tells why
			s.lose(s.ended)
		}
	})
	err := s.start()
	if err == nil && !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		conn.abort()
		if s.sftp != nil {
			_ = s.sftp.Close() // the connection under it is gone already
		}
		s.pulses.Wait()
		if isGone(err) && s.Err() != nil {
			err = s.Err() // the connection has ended by itself, and tells more
		}
		return nil, err
	}
	s.pulses.Go(func() { s.pulse(&s.connection, s.mux.closed) })
	s.pulses.Go(s.hearKeys)
	return s, nil
}

// channelWithoutAnswer is what x/crypto/ssh says of a channel that the end of the connection has come upon.
const channelWithoutAnswer = "ssh: unexpected packet in response to channel open: <nil>"

// open opens a channel. Where the connection has ended, x/crypto/ssh may wait for one that nobody will answer any more: its
// mux has dropped all channels already, and its transport keeps the failure of the first write to itself. Such a call would
// stay behind for good. So it is not made once the end has been seen, and the end is kept from x/crypto/ssh until a call
// that was made before has noted its channel: see liveConn.Read.
func (s *Session) open() (*channel, error) { return s.openOn(&s.connection) }

func (s *Session) openOn(c *connection) (*channel, error) {
	c.conn.opening.Add(1) // before the question, so that either it or the reader sees the other
	defer c.conn.opening.Add(-1)
	if s.Err() != nil || c.conn.failed.Load() {
		return nil, errGone
	}
	type result struct {
		channel *channel
		err     error
	}
	opened := make(chan result, 1)
	go func() {
		ch, requests, err := c.client.OpenChannel("session", nil)
		if err != nil {
			opened <- result{nil, err}
			return
		}
		opened <- result{newChannel(ch, requests), nil}
	}()
	select {
	case r := <-opened:
		if r.err != nil && r.err.Error() == channelWithoutAnswer {
			return nil, errGone
		}
		return r.channel, r.err
	case <-c.waited:
		return nil, errGone
	}
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
	s.way.close()
}

// kill ends the session. Closing the network connection frees every call that waits on it, with nothing left behind;
// closing the SFTP client or the SSH connection first would wait for locks that a blocked sender holds.
func (s *Session) kill(why error) { s.finish(func() error { return why }) }

// lose ends a session whose loss has shown itself as err. What is seen first counts: the rest follows from the end.
func (s *Session) lose(err error) {
	s.finish(func() error {
		s.lost = true
		return s.reason(err)
	})
}

func (s *Session) finish(why func() error) {
	s.end.Do(func() {
		s.why = why()
		s.conn.abort() // first: who hears of the end finds nothing that still works
		s.scope.Lock()
		close(s.dead)
		s.expire()
		s.scope.Unlock()
	})
}

// spawn begins a goroutine that Close waits for; false where the session has ended.
func (s *Session) spawn(f func()) bool {
	s.scope.Lock()
	defer s.scope.Unlock()
	if s.Err() != nil {
		return false
	}
	s.pulses.Go(f)
	return true
}

// AssumeHash makes a session that has not probed its server try a hash command all the same. It suits those who only look,
// and who compare what it says with a hash of their own.
func (s *Session) AssumeHash() {
	if s.uses(aboutCommands) {
		s.hash.use(hashCommands[1])
	}
}

// errChannelEnded is for an SFTP channel that ends while the connection stands: the server's sftp process is gone.
var errChannelEnded = errors.New("the server ended the SFTP session")

// reason finds out why a session is lost. The connection knows best: it is closed, so that it has to tell.
func (s *Session) reason(err error) error {
	s.conn.abort()
	stood := true
	select {
	case <-s.waited:
		if !errors.Is(s.ended, net.ErrClosed) {
			stood, err = false, s.ended
		}
	case <-time.After(time.Second): // never so long, but nothing here may hang
	}
	if lost := s.way.lost(); lost != nil {
		return lost
	}
	switch {
	case stood && isGone(err):
		err := s.sftp.Wait() // it has ended with the connection, if not before
		if s.mux.broken != nil {
			err = s.mux.broken
		}
		if isEnd(err) {
			return errChannelEnded
		}
		return fmt.Errorf("the SFTP session failed: %w", err)
	case stood:
		return fmt.Errorf("the SFTP session failed: %w", err)
	case isEnd(err):
		return errors.New("the server closed the connection")
	}
	return fmt.Errorf("the connection was lost: %w", err)
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// isGone tells whether an error says that the channel has ended, and no more.
func isGone(err error) bool {
	return isEnd(err) || errors.Is(err, errGone) || errors.Is(err, errChannelEnded) || errors.Is(err, sftp.ErrSSHFxConnectionLost)
}

// pulse watches over a connection's life, and over its SFTP channel where that is to stand as long: after a silence of Keepalive it provokes traffic, after one of StallTimeout
// it gives the connection up.
func (s *Session) pulse(c *connection, channel <-chan struct{}) {
	stall := s.target.StallTimeout
	keepalive := min(s.target.Keepalive, stall/2)
	var asking atomic.Bool // x/crypto holds a lock until the reply: one at a time, and never waited for here
	timer, due := time.NewTimer(keepalive), time.Now().Add(keepalive)
	defer timer.Stop()
	for {
		select {
		case <-s.dead:
			return
		case <-c.waited: // who has seen that tells of it, where it is worth telling
			return
		case <-channel:
			s.lose(errChannelEnded)
			return
		case <-timer.C:
		}
		silence, still := c.conn.in.since(), stoodStill(due, stall)
		if silence >= stall && !still {
			s.kill(fmt.Errorf("nothing was received for %v (stall_timeout)", stall))
			return
		}
		next := keepalive
		if silence < keepalive {
			next -= silence
		} else if asking.CompareAndSwap(false, true) {
			s.pulses.Go(func() {
				defer asking.Store(false)
				_, _, _ = c.client.SendRequest("keepalive@openssh.com", true, nil) // only the traffic matters
			})
		}
		if next = min(next, stall-silence); still {
			next = stall / stillShare
		}
		timer.Reset(next)
		due = time.Now().Add(next)
	}
}

// wrap turns an error of pkg/sftp or of this package into an *Error. A lost connection ends the session.
func (s *Session) wrap(op, path string, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	kind, err := classify(err)
	e := &Error{Op: op, Destination: s.target.Name, Path: path, Kind: kind, Err: err}
	switch kind {
	case Transient:
		s.lose(err)
		e.Err = s.why
	case DiskFull:
		e.Hint = hintFull
	case Refused:
		if told := tooLong(path, err); told != nil {
			e.Err, e.Hint = told, hintTooLong
		}
	}
	return e
}

// HostKey returns the fingerprint of the server's key, SHA256:...
func (s *Session) HostKey() string { return s.hostKey }

// Traffic returns the bytes received from and sent to the network so far, SSH's own included, over all connections.
func (s *Session) Traffic() (received, sent int64) {
	there, gone := s.berths.further()
	for _, c := range append(append(there, gone...), &s.connection) {
		received, sent = received+c.conn.received.Load(), sent+c.conn.sent.Load()
	}
	return received, sent
}
