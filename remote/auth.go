package remote

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

var (
	// errSecret marks a failure to get at a secret, before anything was sent to the server.
	errSecret = errors.New("secret")
	// errDenied marks the end of an authentication that the server does not let succeed.
	errDenied = errors.New("authentication")
	// errSignature marks a key whose signatures the server takes in a form only that is no longer used.
	errSignature = errors.New("signature")
)

// marked is an error that a sentinel stands for, without its text.
type marked struct {
	error
	mark error
}

func (e *marked) Unwrap() []error { return []error{e.error, e.mark} }

// authMethods reads the account's secrets, afresh at each dial so that a rotated key or password counts at once. The
// order is that of the OpenSSH client; a server that asks for several in turn gets them.
func (t *Target) authMethods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if t.KeyFile != "" {
		signer, err := loadKey(t.KeyFile, t.Passphrase)
		if err != nil {
			return nil, &marked{err, errSecret}
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if t.Password != nil {
		password, err := t.Password()
		if err != nil {
			return nil, &marked{err, errSecret}
		}
		// Many servers ask for the password by keyboard-interactive and refuse the method "password", or the reverse.
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(answerWith(password)))
	}
	return methods, nil
}

// answerWith answers one hidden prompt with the password. Another one asks for something else: a code, a new password in
// the place of one that has expired, or the right one. None of them is there to give, and guessing would count
// as a failed attempt. So does a prompt that echoes.
func answerWith(password string) ssh.KeyboardInteractiveChallenge {
	given := false
	return func(_, instruction string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, question := range questions {
			if given || echos[i] || wantsNewPassword(question) {
				asked := strings.TrimSpace(strings.TrimSpace(instruction) + " " + strings.TrimSpace(question))
				return nil, fmt.Errorf("the server asks %q, and only a password is configured", shorten(asked))
			}
			answers[i], given = password, true
		}
		return answers, nil
	}
}

func wantsNewPassword(question string) bool {
	return strings.Contains(strings.ToLower(question), "new password")
}

// authentication follows one attempt to log in: x/crypto/ssh has neither types nor much text for how it ends.
type authentication struct {
	began    bool
	accepts  []string // methods that the server would take next
	accepted []string
	refused  []string
}

// follow is an ssh.ClientAuthCallback that leaves the choice to the list of methods, but for one thing: a password that was
// refused is not sent again by keyboard-interactive, which would count as a second attempt.
func (a *authentication) follow(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	a.began, a.accepts, a.accepted = true, c.AllowedMethods, c.PartialSuccessMethods
	a.refused = slices.DeleteFunc(slices.Clone(c.TriedMethods), func(method string) bool { return method == "none" })
	if slices.Contains(a.refused, "password") && !slices.Contains(a.accepted, "password") {
		return nil, errPasswordRefused
	}
	return nil, nil
}

// errPasswordRefused ends an attempt to log in as x/crypto/ssh does when no method is left.
var errPasswordRefused = errors.New("unable to authenticate: the password was refused")

// explain words the end of an attempt, if it is that and not the connection's.
func (a *authentication) explain(user string, err error) error {
	text := err.Error()
	var network net.Error
	switch {
	case !a.began, errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case strings.Contains(text, "ssh: disconnect, reason") && !strings.Contains(text, "uthentication"):
		return err // the server is full or goes down, say
	case strings.Contains(text, "no common public key signature algorithm"):
		return &marked{plain(err), errSignature}
	// SSH_MSG_USERAUTH_PASSWD_CHANGEREQ, RFC 4252 section 8.
	case strings.Contains(text, "unexpected message type 60 "):
		return &marked{fmt.Errorf("the password of %q has expired: the server wants a new one", user), errDenied}
	// SSH_MSG_USERAUTH_FAILURE where keyboard-interactive was to begin: it is refused without a question.
	case strings.Contains(text, "unexpected message type 51 "):
		a.refused = append(a.refused, "keyboard-interactive")
	case !strings.Contains(text, "unable to authenticate"):
		return &marked{plain(err), errDenied}
	}
	takes := strings.Join(a.accepts, ", ")
	switch {
	case len(a.refused) > 0 && len(a.accepted) > 0:
		err = fmt.Errorf("the server accepted %s of %q and then refused %s", strings.Join(a.accepted, ", "), user, strings.Join(a.refused, ", "))
	case len(a.refused) > 0:
		err = fmt.Errorf("the server refused %s of %q; it takes %s", strings.Join(a.refused, ", "), user, takes)
	case len(a.accepted) > 0:
		err = fmt.Errorf("the server accepted %s of %q and then wants %s, for which nothing is configured", strings.Join(a.accepted, ", "), user, takes)
	default:
		err = fmt.Errorf("the server takes only %s of %q, for which nothing is configured", takes, user)
	}
	return &marked{err, errDenied}
}

// loadKey reads a private key. RSA keys sign with SHA-2 only: SHA-1 signatures are refused by current servers.
func loadKey(name string, passphrase func() (string, error)) (ssh.Signer, error) {
	if err := checkPrivate(name); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return nil, fmt.Errorf("%s is a PuTTY key: convert it with: puttygen %s -O private-openssh -o %s.openssh", name, name, name)
	case bytes.HasPrefix(text, []byte("ssh-")), bytes.HasPrefix(text, []byte("ecdsa-")):
		return nil, fmt.Errorf("%s is a public key: key_file names the private one", name)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if passphrase == nil {
			return nil, fmt.Errorf("%s is encrypted: set key_passphrase", name)
		}
		var secret string
		if secret, err = passphrase(); err != nil {
			return nil, err
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(secret))
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, fmt.Errorf("%s is encrypted, and key_passphrase does not open it", name)
	case err != nil:
		return nil, fmt.Errorf("read private key %s: %w", name, err)
	}
	if algorithms, ok := signer.(ssh.AlgorithmSigner); ok && signer.PublicKey().Type() == ssh.KeyAlgoRSA {
		return ssh.NewSignerWithAlgorithms(algorithms, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
	}
	return signer, nil
}

// checkPrivate refuses a key that others can read, as the OpenSSH client does. Windows keeps no such bits.
func checkPrivate(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s can be read by others (mode %04o): chmod 600 %s", name, info.Mode().Perm(), name)
	}
	return nil
}
