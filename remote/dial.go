package remote

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/crypto/ssh"
)

// clientVersion is what the server's log shows of us.
const clientVersion = "SSH-2.0-dropferry"

// Dial connects, checks the host key, authenticates and starts SFTP, all within the target's ConnectTimeout. Nothing is
// written at the server. Errors are *Error; the kinds Auth, HostKey and Algorithms ask for a person.
func Dial(ctx context.Context, t Target) (*Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, t.ConnectTimeout, fmt.Errorf("not connected within connect_timeout (%v)", t.ConnectTimeout))
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
		conn.abort()
		return nil, t.connectError(cause(ctx, err))
	}
	return s, nil
}

// dialTrusted connects and accepts only a trusted host key. A pinned fingerprint does not tell its key's type, so where
// the server shows another type first it is asked again for the rest; nothing about the account is sent before a
// key is accepted.
func (t *Target) dialTrusted(ctx context.Context, auth []ssh.AuthMethod) (*ssh.Client, *liveConn, Key, error) {
	var shown []Key
	var avoid []string
	for {
		policy, err := t.policy(avoid)
		if err != nil {
			return nil, nil, Key{}, err
		}
		client, conn, err := t.connectLive(ctx, &ssh.ClientConfig{
			User:              t.User,
			Auth:              auth,
			ClientVersion:     clientVersion,
			HostKeyAlgorithms: policy.algorithms,
			HostKeyCallback:   policy.callback,
		})
		if err == nil {
			return client, conn, *policy.got, nil
		}
		var hostKey *HostKeyError
		var none *ssh.AlgorithmNegotiationError
		switch {
		case errors.As(err, &hostKey):
			shown = append(shown, hostKey.Got...)
			hostKey.Got = shown
			avoid = append(avoid, policy.got.Type)
			if !hostKey.Pinned || len(avoid) == len(keyFamilies) {
				return nil, nil, Key{}, err
			}
		case errors.As(err, &none) && len(shown) > 0: // the server has no further kind of key
			return nil, nil, Key{}, &HostKeyError{Destination: t.Name, Addr: t.Addr(), Got: shown, Want: policy.want, Pinned: true}
		default:
			return nil, nil, Key{}, err
		}
	}
}

// connect is connectLive for callers that need no counters.
func (t *Target) connect(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, error) {
	client, _, err := t.connectLive(ctx, config)
	return client, err
}

// connectLive makes the TCP connection and the SSH handshake. ssh.ClientConfig.Timeout covers only the former, and a
// server that accepts and says nothing would hold the latter for ever (golang/go#51926): the end of ctx closes the
// connection, which works on connections without deadlines too.
func (t *Target) connectLive(ctx context.Context, config *ssh.ClientConfig) (*ssh.Client, *liveConn, error) {
	if t.ConnectTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, t.ConnectTimeout, fmt.Errorf("not connected within connect_timeout (%v)", t.ConnectTimeout))
		defer cancel()
	}
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
