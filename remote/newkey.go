package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// NewKey makes an ed25519 key at name, which must not exist, with mode 0600, and its public part in name.pub. It returns the
// public part, the line for authorized_keys at the server.
func NewKey(name, comment string) (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, comment)
	if err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	line := strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(key)), "\n") + " " + comment + "\n"
	if err := writeNew(name, pem.EncodeToMemory(block), 0o600); err != nil {
		return "", err
	}
	if err := writeNew(name+".pub", []byte(line), 0o644); err != nil {
		return "", errors.Join(err, os.Remove(name)) // the one is of no use without the other
	}
	return strings.TrimSuffix(line, "\n"), nil
}

// writeNew writes a file that must not exist.
func writeNew(name string, text []byte, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}
