package sftptest

import (
	"bytes"
	"crypto/subtle"
	"errors"

	"golang.org/x/crypto/ssh"
)

var errDenied = errors.New("denied")

// loginConfig returns the SSH side of the options, and makes a host key if there is none.
func (s *Server) loginConfig() (*ssh.ServerConfig, error) {
	o := &s.options
	hasKeys, hasPassword := len(o.AuthorizedKeys) > 0, o.Password != ""
	switch {
	case !hasKeys && !hasPassword:
		return nil, errors.New("sftp server: neither a key nor a password may log in")
	case o.PartialKeyThenPassword && (!hasKeys || !hasPassword):
		return nil, errors.New("sftp server: key, then password: one of them is missing")
	}
	c := &ssh.ServerConfig{Config: o.Algorithms, AuthLogCallback: s.countLogin, ServerVersion: o.Banner}
	if len(o.HostKeys) == 0 {
		key, err := NewKey("ed25519")
		if err != nil {
			return nil, err
		}
		o.HostKeys = []ssh.Signer{key.Signer}
	}
	for _, k := range o.HostKeys {
		c.AddHostKey(k)
	}
	var password ssh.ServerAuthCallbacks
	if o.Interactive {
		password.KeyboardInteractiveCallback = o.askPassword
	} else {
		password.PasswordCallback = func(m ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			return nil, o.checkPassword(m, given)
		}
	}
	if hasKeys {
		c.PublicKeyCallback = func(m ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !o.knows(m) || !o.authorizes(key) {
				return nil, errDenied
			}
			if o.PartialKeyThenPassword {
				return nil, &ssh.PartialSuccessError{Next: password}
			}
			return nil, nil
		}
	}
	if hasPassword && !o.PartialKeyThenPassword {
		c.PasswordCallback, c.KeyboardInteractiveCallback = password.PasswordCallback, password.KeyboardInteractiveCallback
	}
	return c, nil
}

func (o *ServerOptions) knows(m ssh.ConnMetadata) bool { return o.User == "" || m.User() == o.User }

func (o *ServerOptions) authorizes(key ssh.PublicKey) bool {
	for _, k := range o.AuthorizedKeys {
		if bytes.Equal(k.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}

func (o *ServerOptions) checkPassword(m ssh.ConnMetadata, given []byte) error {
	if subtle.ConstantTimeCompare(given, []byte(o.Password)) == 1 && o.knows(m) {
		return nil
	}
	return errDenied
}

func (o *ServerOptions) askPassword(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	answers, err := ask("", "", []string{"Password: "}, []bool{false})
	if err != nil {
		return nil, err
	}
	if len(answers) != 1 {
		return nil, errDenied
	}
	return nil, o.checkPassword(m, []byte(answers[0]))
}

// countLogin counts failures. A client asks with "none" first, to learn the methods, and half a success is none.
func (s *Server) countLogin(_ ssh.ConnMetadata, method string, err error) {
	var partial *ssh.PartialSuccessError
	if err != nil && method != "none" && !errors.As(err, &partial) {
		s.count(func(st *ServerStats) { st.Refused++ })
	}
}
