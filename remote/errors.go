package remote

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Kind says what a failure means for what is done next. There is one place that decides it, classify, and one that
// acts on it, the syncer.
type Kind string

// The kinds.
const (
	Transient   Kind = "transient"   // the connection: dial again after a while, and go on
	Auth        Kind = "auth"        // the account or its secrets: a person must act, further attempts lock accounts
	HostKey     Kind = "host-key"    // unknown or changed: a person must act, nothing was sent
	Algorithms  Kind = "algorithms"  // nothing in common to encrypt with: a person must act
	Root        Kind = "root"        // the destination's root is missing or read-only
	DiskFull    Kind = "disk-full"   // the server has no room: wait for room
	Permission  Kind = "permission"  // the server does not let us, on this file
	Missing     Kind = "missing"     // no such file or directory
	Exists      Kind = "exists"      // something stands where nothing was expected
	Unsupported Kind = "unsupported" // the server lacks the operation
	Integrity   Kind = "integrity"   // the bytes at the server are not those that were sent
	Refused     Kind = "refused"     // the server refuses this file in some other way
)

// Error is what every function of this package returns for a failure at or on the way to a server.
type Error struct {
	Op          string // put, stat, rename, connect, ...
	Destination string
	Path        string // remote path; "" where the failure is not about a file
	Kind        Kind
	Err         error
	Hint        string // what to do, for a person; may be ""
}

func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s %s: %v", e.Op, e.Destination, e.Err)
	}
	return fmt.Sprintf("%s %s:%s: %v", e.Op, e.Destination, printable(e.Path), e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, Transient for what is not an Error: something unknown is tried again.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Transient
}

// HintOf returns what a person can do about err, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}

// NeedsPerson tells whether a destination must not be used again before somebody has changed something.
func (k Kind) NeedsPerson() bool { return k == Auth || k == HostKey || k == Algorithms }

// is tells whether err is a failure of the kind.
func (k Kind) is(err error) bool { return err != nil && KindOf(err) == k }

const hintFull = "make room at the server, or ask its owner to; delivery goes on by itself"

// classify tells what an error of pkg/sftp or of this package means, and words it. What is no answer of the server's
// means that the session is gone.
func classify(err error) (Kind, error) {
	var status *statusError
	var library *sftp.StatusError
	switch {
	case errors.Is(err, errNoHash), errors.Is(err, errNoDigest), errors.Is(err, errUntold):
		return Unsupported, err
	case errors.As(err, &status):
		return status.kind(), status
	case errors.As(err, &library):
		status = fromLibrary(library)
		return status.kind(), status
	case err == io.EOF: //nolint:errorlint // pkg/sftp's word for status 1; a wrapped one comes from the connection
		return Refused, &statusError{code: statusEOF}
	case errors.Is(err, errShortFile), errors.Is(err, errOtherBytes), errors.Is(err, errLongFile):
		return Integrity, err
	}
	return Transient, err
}

// classifyConnect tells what a failed dial means, and what a person can do about it.
func classifyConnect(err error) (Kind, string) {
	kind, hint := kindOfConnect(err)
	if e, ok := errors.AsType[*advised](err); ok {
		hint = e.hint
	}
	return kind, hint
}

func kindOfConnect(err error) (Kind, string) {
	var hostKey *HostKeyError
	var algorithms *ssh.AlgorithmNegotiationError
	var channel *ssh.OpenChannelError
	switch {
	case errors.As(err, &hostKey):
		return HostKey, hostKey.hint()
	case errors.Is(err, errKnownHosts):
		return HostKey, "look at the known_hosts file: it is malformed, or it speaks against the server's key"
	case errors.Is(err, errSignature):
		return Algorithms, "the server takes only signatures with SHA-1 of this key: use an ed25519 key, or allow them: " + legacyLine([]string{ssh.KeyAlgoRSA})
	case errors.As(err, &algorithms):
		return Algorithms, "the server offers only algorithms that this program does not use; ask its owner for a current SSH server"
	case errors.Is(err, errSecret):
		return Auth, ""
	case errors.Is(err, errDenied):
		if e, ok := errors.AsType[*throughError](err); ok {
			return Auth, "check user, key_file and password of destination " + e.jump + "; that server's log tells more"
		}
		return Auth, "check user, key_file and password; the server's log tells more"
	case errors.Is(err, errShell):
		return Transient, "the account's shell must print nothing where no terminal is: look at its .bashrc and the like"
	case strings.Contains(err.Error(), tooManyConnections):
		return Transient, "the account has as many connections as the server allows it: a running agent's is one of them, and so are those of other programs; " + serverPage + " has the settings"
	case errors.As(err, &channel):
		return Transient, "the server lets the connection have no session: ask its owner for more (MaxSessions, " + serverPage + ")"
	case errors.Is(err, errNoSFTP):
		return Transient, "ask the server's owner to allow SFTP for this account"
	}
	return Transient, ""
}

// tooManyConnections is in x/crypto/ssh's text of a disconnect for that reason, RFC 4253 section 11.1.
const tooManyConnections = "ssh: disconnect, reason 12:"

// handshakeFailed begins every error of x/crypto/ssh from before the end of the login.
const handshakeFailed = "ssh: handshake failed: "

// plain cuts the noise of libraries from a message that a person is to read.
func plain(err error) error {
	text, ok := strings.CutPrefix(err.Error(), handshakeFailed)
	switch {
	case !ok:
		return err
	case text == "EOF" || text == "unexpected EOF":
		text = "the server closed the connection before the login was complete"
	case errors.Is(err, syscall.ECONNRESET): // with what was on its way to it still unread
		text = "the server closed the connection before the login was complete (connection reset)"
	}
	return &reworded{text: strings.TrimPrefix(text, "ssh: "), err: err}
}

// reworded is an error under a clearer text.
type reworded struct {
	text string
	err  error
}

func (e *reworded) Error() string { return e.text }
func (e *reworded) Unwrap() error { return e.err }
