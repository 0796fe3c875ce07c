package agent

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// accountKey is where the store keeps the key of account fingerprints.
const accountKey = "account-key"

// metaStore keeps a few words for the agent.
type metaStore interface {
	Meta(ctx context.Context, key string) (string, error)
	SetMeta(ctx context.Context, key, value string) error
}

// fingerprintKey returns the store's own key, made when it is first needed: without it, a fingerprint of a weak password
// in a copied store could be tried against a list of passwords.
func fingerprintKey(ctx context.Context, store metaStore) ([]byte, error) {
	key, err := store.Meta(ctx, accountKey)
	if err == nil && key == "" {
		key = rand.Text()
		err = store.SetMeta(ctx, accountKey, key)
	}
	return []byte(key), err
}

// fingerprintOf returns the keyed fingerprint of a destination's account: where it is, who it is, and its secrets as they
// are now, with those of the way to it. A secret that cannot be read counts by its error.
func fingerprintOf(key []byte, c *config.Config, d *config.Destination) string {
	h := hmac.New(sha256.New, key)
	t := targetOf(c, d)
	addAccount(h, &t)
	for i := range t.Jump {
		_, _ = h.Write([]byte(" jump "))
		addAccount(h, &t.Jump[i])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// trustOf returns a fingerprint of the host keys that are accepted of a destination and on the way to it, as their files have
// them now; those that the configuration pins do not change.
func trustOf(t *remote.Target) string {
	h := sha256.New()
	add := func(t *remote.Target) {
		for _, name := range t.KnownHosts {
			text, err := os.ReadFile(name)
			_, _ = fmt.Fprintf(h, "%q %q %v ", name, text, err)
		}
	}
	add(t)
	for i := range t.Jump {
		add(&t.Jump[i])
	}
	return hex.EncodeToString(h.Sum(nil))
}

func addAccount(h io.Writer, t *remote.Target) {
	keyText, keyErr := os.ReadFile(t.KeyFile)
	_, _ = fmt.Fprintf(h, "%q %q %q %q %v", t.Addr(), t.User, t.KeyFile, keyText, keyErr)
	addSecret(h, t.Passphrase)
	addSecret(h, t.Password)
	if c, ok, err := remote.CertificateOf(*t); ok {
		text, _ := os.ReadFile(c.File) // its error is that of the certificate
		_, _ = fmt.Fprintf(h, " certificate %q %v", text, err)
	}
	t.WriteAgentKeys(h)
	for _, a := range t.Answers {
		_, _ = fmt.Fprintf(h, " answer %q", a.Prompt)
	}
	if p := t.Proxy; p != nil {
		_, _ = fmt.Fprintf(h, " proxy %q %q", p, p.User)
		addSecret(h, p.Password)
	}
}

func addSecret(h io.Writer, read func() (string, error)) {
	if read == nil {
		_, _ = h.Write([]byte(" none"))
		return
	}
	secret, err := read()
	_, _ = fmt.Fprintf(h, " %q %v", secret, err)
}
