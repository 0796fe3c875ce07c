package sftptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"
)

// Key is a fresh SSH key.
type Key struct {
	Signer ssh.Signer
	PEM    []byte // the private key as ssh-keygen writes it, without a passphrase
}

// NewKey makes a key of the kind "ed25519", "rsa" or "ecdsa".
func NewKey(kind string) (Key, error) {
	var private crypto.Signer
	var err error
	switch kind {
	case "ed25519":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "rsa":
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ecdsa":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		err = fmt.Errorf("unknown kind %q", kind)
	}
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	signer, err := ssh.NewSignerFromSigner(private)
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	return Key{Signer: signer, PEM: pem.EncodeToMemory(block)}, nil
}

// Write writes the private key to a file that only its owner may read.
func (k Key) Write(name string) error { return os.WriteFile(name, k.PEM, 0o600) }

// Fingerprint returns the public key's fingerprint, as SHA256:...
func (k Key) Fingerprint() string { return ssh.FingerprintSHA256(k.Signer.PublicKey()) }

// Authorizes returns the list of keys for ServerOptions.AuthorizedKeys that lets this one in.
func (k Key) Authorizes() []ssh.PublicKey { return []ssh.PublicKey{k.Signer.PublicKey()} }
