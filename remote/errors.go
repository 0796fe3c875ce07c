package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Kind says what a failure means for what is done next. There is one place that decides it, classify, and one that
// acts on it, the syncer.
type Kind string

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
	return fmt.Sprintf("%s %s:%s: %v", e.Op, e.Destination, e.Path, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of err, Transient for what is not an Error: something unknown is tried again.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Transient
}

// HintOf returns what a person can do about err, or "".
func HintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint
	}
	return ""
}

// NeedsPerson tells whether a destination must not be used again before somebody has changed something.
func (k Kind) NeedsPerson() bool { return k == Auth || k == HostKey || k == Algorithms }

// Status codes of the SFTP protocol, draft-ietf-secsh-filexfer-02 section 7; those from 11 on are from later drafts,
// which some servers send all the same.
const (
	statusNoSuchFile       = 2
	statusPermissionDenied = 3
	statusFailure          = 4
	statusUnsupported      = 8
	statusAlreadyExists    = 11
	statusWriteProtect     = 12
	statusNoSpace          = 14
	statusQuota            = 15
	statusInvalidName      = 20
)

// classify tells what an error of pkg/sftp means. pkg/sftp returns a StatusError or one of three sentinels for what
// the server said; anything else means that the connection is gone.
func classify(err error) Kind {
	var status *sftp.StatusError
	switch {
	case errors.Is(err, errShortTransfer):
		return Integrity
	case errors.Is(err, fs.ErrNotExist):
		return Missing
	case errors.Is(err, fs.ErrPermission):
		return Permission
	case errors.Is(err, sftp.ErrSSHFxOpUnsupported):
		return Unsupported
	case errors.As(err, &status):
		switch status.Code {
		case statusNoSuchFile:
			return Missing
		case statusPermissionDenied, statusWriteProtect:
			return Permission
		case statusUnsupported:
			return Unsupported
		case statusAlreadyExists:
			return Exists
		case statusNoSpace, statusQuota:
			return DiskFull
		}
		return Refused
	}
	return Transient
}

// classifyConnect tells what a failed dial means.
func classifyConnect(err error) (Kind, string) {
	var hostKey *HostKeyError
	var algorithms *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &hostKey):
		return HostKey, hostKey.hint()
	case errors.As(err, &algorithms):
		return Algorithms, "the server offers only algorithms that this program does not use; ask its owner for a current SSH server"
	case errors.Is(err, errSecret):
		return Auth, ""
	// x/crypto/ssh has no type for this one: see clientAuthenticate in its client_auth.go.
	case strings.Contains(err.Error(), "unable to authenticate"):
		return Auth, "check user, key_file and password; the server's log tells more"
	}
	return Transient, ""
}

// plain cuts the noise of libraries from a message that a person is to read.
func plain(err error) error {
	var status *sftp.StatusError
	if errors.As(err, &status) {
		return &statusError{status}
	}
	if text, ok := strings.CutPrefix(err.Error(), "ssh: handshake failed: "); ok {
		return &rewritten{text: strings.TrimPrefix(text, "ssh: "), err: err}
	}
	return err
}

// rewritten is an error under a clearer text.
type rewritten struct {
	text string
	err  error
}

func (e *rewritten) Error() string { return e.text }
func (e *rewritten) Unwrap() error { return e.err }

// statusError words a status of the server.
type statusError struct{ *sftp.StatusError }

func (e *statusError) Error() string {
	text := strings.Trim(strings.TrimPrefix(e.StatusError.Error(), "sftp: "), "\" ")
	if i := strings.LastIndex(text, " ("); i > 0 {
		text = strings.Trim(text[:i], "\" ")
	}
	if e.Code == statusFailure {
		return fmt.Sprintf("the server answered %q (SFTP status 4, which says no more)", text)
	}
	return fmt.Sprintf("the server answered %q (SFTP status %d)", text, e.Code)
}

func (e *statusError) Unwrap() error { return e.StatusError }
