package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// DroppedBeforeLogin tells whether a server took the connection and closed it before the login was complete. That is what
// one does with a client that comes too often, OpenSSH by MaxStartups and PerSourcePenalties, and others by fail2ban: to
// come back soon makes it worse.
func DroppedBeforeLogin(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Op != "connect" || e.Kind != Transient {
		return false
	}
	if network, ok := errors.AsType[*net.OpError](e.Err); ok && network.Op == "dial" {
		return errors.Is(network, syscall.ECONNRESET) // it was faster than the system told us of the connection
	}
	// x/crypto/ssh has no type for it. What comes after the login has another beginning: see newSession.
	handshake, ok := errors.AsType[*reworded](e.Err)
	if !ok || !strings.HasPrefix(handshake.err.Error(), handshakeFailed) {
		return false
	}
	network, broken := errors.AsType[*net.OpError](handshake.err)
	switch {
	case errors.Is(handshake.err, io.EOF), errors.Is(handshake.err, io.ErrUnexpectedEOF):
		return true
	case broken:
		return !network.Timeout() // it was reset
	}
	return strings.Contains(handshake.err.Error(), "ssh: disconnect, reason")
}

// CheckSecrets reads the account's secrets as Dial does, and returns the error that Dial would have for them without a
// word to the server: a file that is missing, open to others or no key, a passphrase that does not fit.
func CheckSecrets(t Target) error {
	if err := t.checkSecrets(); err != nil {
		return t.connectError(err)
	}
	first := &t
	if len(t.Jump) > 0 {
		first = &t.Jump[0]
	}
	for i := range t.Jump {
		if err := t.Jump[i].checkSecrets(); err != nil {
			return t.connectError(jumpError(t.Jump[i].Name, err))
		}
	}
	if p := first.Proxy; p != nil && p.Password != nil {
		if _, err := p.Password(); err != nil {
			return t.connectError(&proxyError{p, &marked{err, errSecret}})
		}
	}
	return nil
}

func (t *Target) checkSecrets() error {
	account, err := t.prove(context.Background())
	if err == nil {
		account.release()
	}
	return err
}

// IsLocal tells whether a failure to connect lies here, in a secret that cannot be read: the server has seen nothing of it.
func IsLocal(err error) bool { return errors.Is(err, errSecret) }
