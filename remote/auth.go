package remote

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/crypto/ssh"
)

// errSecret marks a failure to get at a secret, before anything was sent to the server.
var errSecret = errors.New("secret")

// authMethods reads the account's secrets, afresh at each dial so that a rotated key or password counts at once. The
// order is that of the OpenSSH client; a server that asks for several in turn gets them.
func (t *Target) authMethods() ([]ssh.AuthMethod, error) {
	var methods []ssh.AuthMethod
	if t.KeyFile != "" {
		signer, err := loadKey(t.KeyFile, t.Passphrase)
		if err != nil {
			return nil, secretError(err)
		}
		methods = append(methods, ssh.PublicKeys(signer))
	}
	if t.Password != nil {
		password, err := t.Password()
		if err != nil {
			return nil, secretError(err)
		}
		// Many servers ask for the password by keyboard-interactive and refuse the method "password", or the reverse.
		methods = append(methods, ssh.Password(password), ssh.KeyboardInteractive(answerWith(password)))
	}
	return methods, nil
}

// answerWith answers hidden prompts with the password. A prompt that echoes asks for something else, a code say, which
// is not there to give: guessing would count as a failed attempt.
func answerWith(password string) ssh.KeyboardInteractiveChallenge {
	return func(_, _ string, questions []string, echos []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i, question := range questions {
			if echos[i] {
				return nil, fmt.Errorf("the server asks %q, and only a password is configured", question)
			}
			answers[i] = password
		}
		return answers, nil
	}
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
	if bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")) {
		return nil, fmt.Errorf("%s is a PuTTY key: convert it with: puttygen %s -O private-openssh -o %s.openssh", name, name, name)
	}
	signer, err := ssh.ParsePrivateKey(text)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		if passphrase == nil {
			return nil, fmt.Errorf("%s is encrypted: set key_passphrase", name)
		}
		var secret string
		if secret, err = passphrase(); err != nil {
			return nil, err
		}
		signer, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(secret))
	}
	if err != nil {
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

func secretError(err error) error { return fmt.Errorf("%w: %w", errSecret, err) }
