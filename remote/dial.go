package remote

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
)

// clientVersion is what the server's log shows of us.
const clientVersion = "SSH-2.0-dropferry"

// Dial connects, checks the host key, authenticates and starts SFTP, all within the target's ConnectTimeout. Nothing is
// written at the server. Errors are *Error; the kinds Auth, HostKey and Algorithms ask for a person.
func Dial(ctx context.Context, t Target) (*Session, error) {
	t = t.withDefaults()
	ctx, cancel := t.connecting(ctx)
	defer cancel()
	auth, err := t.authMethods()
	if err != nil {
		return nil, t.connectError(err)
	}
	client, conn, key, err := t.dialTrusted(ctx, auth)
	if err != nil {
		return nil, t.connectError(err)
	}
	s, err := newSession(ctx, t, client, conn, key)
	if err != nil {
		return nil, t.connectError(cause(ctx, err))
	}
	return s, nil
}

// connecting bounds the time of getting a connection.
func (t *Target) connecting(ctx context.Context) (context.Context, context.CancelFunc) {
	late := fmt.Errorf("not connected within %v (connect_timeout)", t.ConnectTimeout)
	return context.WithTimeoutCause(ctx, t.ConnectTimeout, late)
}

// dialTrusted connects and accepts only a trusted host key, with as many dials as it takes to see the kinds of key that
// are trusted. Nothing about the account is sent before a key is accepted.
func (t *Target) dialTrusted(ctx context.Context, methods []ssh.AuthMethod) (*ssh.Client, *liveConn, Key, error) {
	policy, err := t.policy()
	if err != nil {
		return nil, nil, Key{}, err
	}
	for {
		var auth authentication
		client, conn, err := t.connect(ctx, &ssh.ClientConfig{
			User:              t.User,
			Auth:              methods,
			AuthCallback:      auth.follow,
			ClientVersion:     clientVersion,
			HostKeyAlgorithms: policy.algorithms,
			HostKeyCallback:   policy.callback,
		})
		if err == nil {
			return client, conn, *policy.got, nil
		}
		if ctx.Err() != nil {
			return nil, nil, Key{}, err
		}
		if err := policy.next(auth.explain(t.User, err)); err != nil {
			return nil, nil, Key{}, err
		}
	}
}

// connect makes the TCP connection and the SSH handshake. ssh.ClientConfig.Timeout covers only the former, and a
// server that accepts and says nothing would hold the latter for ever (golang/go#51926): the end of ctx closes the
// connection, which works on connections without deadlines too.
func (t *Target) connect(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, *liveConn, error) {
	ctx, cancel := t.connecting(ctx)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", t.Addr())
	if err != nil {
		return nil, nil, cause(ctx, err)
	}
	conn := newLiveConn(raw)
	stop := context.AfterFunc(ctx, conn.abort)
	defer stop()
	sshConn, channels, requests, err := ssh.NewClientConn(conn, t.Addr(), config)
	if err != nil {
		conn.abort()
		return nil, nil, cause(ctx, err)
	}
	if !stop() {
		conn.abort()
		return nil, nil, context.Cause(ctx)
	}
	return ssh.NewClient(sshConn, channels, requests), conn, nil
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
	return &Error{Op: "connect", Destination: t.Name, Kind: kind, Err: plain(err), Hint: hint}
}
