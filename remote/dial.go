package remote

import (
	"context"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// clientVersion is what the server's log shows of us.
const clientVersion = "SSH-2.0-dropferry"

// Dial connects, checks the host key, authenticates and starts SFTP, all within the target's ConnectTimeout. Nothing is
// written at the server. Errors are *Error; the kinds Auth, HostKey and Algorithms ask for a person, also where a jump host
// is the reason.
func Dial(ctx context.Context, t Target) (*Session, error) {
	t = t.withDefaults()
	ctx, cancel := t.connecting(ctx)
	defer cancel()
	in, err := t.logIn(ctx)
	if err != nil {
		return nil, t.connectError(err)
	}
	s, err := newSession(ctx, t, in)
	if err != nil {
		in.way.close()
		return nil, t.connectError(cause(ctx, err))
	}
	return s, nil
}

// Login does what Dial does short of SFTP, and leaves again: it returns the key that the server has shown. It suits servers
// that others are reached through.
func Login(ctx context.Context, t Target) (Key, error) {
	t = t.withDefaults()
	ctx, cancel := t.connecting(ctx)
	defer cancel()
	in, err := t.logIn(ctx)
	if err != nil {
		return Key{}, t.connectError(err)
	}
	in.conn.abort()
	_ = in.client.Wait() // it was ended
	in.way.close()
	return in.key, nil
}

// login is an account that is logged in.
type login struct {
	client *ssh.Client
	conn   *liveConn
	key    Key // the server's
	way    *trail
}

// logIn reads the account's secrets before the first byte is sent, and goes all the way.
func (t *Target) logIn(ctx context.Context) (*login, error) {
	account, err := t.prove(ctx)
	if err != nil {
		return nil, err
	}
	defer account.release()
	way, err := t.openTrail(ctx)
	if err != nil {
		return nil, err
	}
	in, err := t.dialTrusted(ctx, way, account)
	if err != nil {
		way.close()
		return nil, way.behind(err)
	}
	return in, nil
}

// connecting bounds the time of getting a connection.
func (t *Target) connecting(ctx context.Context) (context.Context, context.CancelFunc) {
	late := fmt.Errorf("not connected within %v (connect_timeout)", t.ConnectTimeout)
	return context.WithTimeoutCause(ctx, t.ConnectTimeout, late)
}

// dialTrusted connects and accepts only a trusted host key, with as many dials as it takes to see the kinds of key that
// are trusted. Nothing about the account is sent before a key is accepted.
func (t *Target) dialTrusted(ctx context.Context, way *trail, account *proofs) (*login, error) {
	policy, err := t.policy()
	if err != nil {
		return nil, err
	}
	for {
		var auth authentication
		client, conn, err := t.connect(ctx, way, &ssh.ClientConfig{
			Config:            algorithms(t.Legacy).config(),
			User:              t.User,
			Auth:              account.methods(&auth),
			AuthCallback:      auth.follow,
			ClientVersion:     clientVersion,
			HostKeyAlgorithms: policy.algorithms,
			HostKeyCallback:   policy.callback,
		})
		if err == nil {
			return &login{client, conn, policy.accepted(), way}, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if err := policy.next(auth.explain(t.User, err)); err != nil {
			return nil, t.adviseOn(ctx, way, err)
		}
	}
}

// connect makes the TCP connection and the SSH handshake. ssh.ClientConfig.Timeout covers only the former, and a
// server that accepts and says nothing would hold the latter for ever (golang/go#51926): the end of ctx closes the
// connection, which works on connections without deadlines too, as those through jump hosts are. A failure leaves the way
// as it is, unless ctx has ended.
func (t *Target) connect(ctx context.Context, way *trail, config *ssh.ClientConfig) (*ssh.Client, *liveConn, error) {
	ctx, cancel := t.connecting(ctx)
	defer cancel()
	conn, err := t.reach(ctx, way)
	if err != nil {
		return nil, nil, cause(ctx, err)
	}
	stop := context.AfterFunc(ctx, conn.abort)
	defer stop()
	sshConn, channels, requests, err := ssh.NewClientConn(conn, t.Addr(), config)
	if err != nil {
		if conn.under == nil {
			conn.abort()
		} // else x/crypto/ssh has closed it, and the rest of the way goes on
		return nil, nil, cause(ctx, err)
	}
	if !stop() {
		conn.abort()
		return nil, nil, context.Cause(ctx)
	}
	return ssh.NewClient(sshConn, channels, overhear(requests, conn.announced)), conn, nil
}

// reach makes a connection to the server's port: through the last jump host, through the proxy, or straight.
func (t *Target) reach(ctx context.Context, way *trail) (*liveConn, error) {
	if h := way.last(); h != nil {
		conn, err := h.dial(ctx, t.Addr())
		if err != nil {
			return nil, err
		}
		return newLiveConn(conn, h.conn), nil
	}
	if t.Proxy == nil {
		conn, err := dialTCP(ctx, t, t.Addr())
		if err != nil {
			return nil, err
		}
		return newLiveConn(conn, nil), nil
	}
	raw, err := dialTCP(ctx, t, t.Proxy.Addr)
	if err != nil {
		return nil, &proxyError{t.Proxy, err}
	}
	conn := newLiveConn(raw, nil)
	stop := context.AfterFunc(ctx, conn.abort)
	defer stop()
	passed, err := t.Proxy.connect(ctx, raw, t.Addr())
	if err != nil {
		conn.abort()
		return nil, err
	}
	if passed != raw {
		conn = newLiveConn(passed, conn)
	}
	return conn, nil
}

// cause returns why ctx ended where it did, since then err only tells of the connection that was closed for it.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// connectError wraps a failure to get a session.
func (t *Target) connectError(err error) error {
	kind, hint := classifyConnect(err)
	e := &Error{Op: "connect", Destination: t.Name, Kind: kind, Err: plain(err), Hint: hint}
	if hint == "" && DroppedBeforeLogin(e) {
		e.Hint = "it may shut out for a while who comes too often (MaxStartups, PerSourcePenalties, fail2ban), or a firewall does: wait, and ask " +
			"its owner; " + serverPage + " has the settings"
	}
	return e
}
