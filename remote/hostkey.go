package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Key is a server's public host key.
type Key struct {
	Type        string // ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, ...
	Fingerprint string // SHA256:...
	public      ssh.PublicKey
}

func keyOf(public ssh.PublicKey) Key {
	return Key{Type: public.Type(), Fingerprint: ssh.FingerprintSHA256(public), public: public}
}

func (k Key) String() string { return k.Type + " " + k.Fingerprint }

// Line returns the line of a known_hosts file that trusts k at addr, host:port.
func (k Key) Line(addr string) string { return knownhosts.Line([]string{addr}, k.public) }

// HostKeyError says that a server's key is not one that was accepted before. Nothing has been sent to it but the key
// exchange.
type HostKeyError struct {
	Destination string
	Addr        string
	Got         []Key    // what the server showed
	Want        []string // what is known or pinned: "type fingerprint" or a fingerprint; empty where nothing is
	Pinned      bool     // Want stands in the configuration
}

func (e *HostKeyError) Error() string {
	var got []string
	for _, k := range e.Got {
		got = append(got, k.String())
	}
	if len(e.Want) == 0 {
		return fmt.Sprintf("the host key of %s is not known; the server shows %s", e.Addr, strings.Join(got, ", "))
	}
	return fmt.Sprintf("the host key of %s is not the expected one; expected %s, the server shows %s: either it was changed, or somebody stands between",
		e.Addr, strings.Join(e.Want, " or "), strings.Join(got, ", "))
}

func (e *HostKeyError) hint() string {
	switch {
	case e.Pinned:
		return fmt.Sprintf("compare with what the server's owner says; then change host_key of destination %q in the configuration", e.Destination)
	case len(e.Want) == 0:
		return fmt.Sprintf("compare with what the server's owner says; then: dropferry trust %s", e.Destination)
	}
	return fmt.Sprintf("compare with what the server's owner says; then: dropferry trust %s --replace", e.Destination)
}

// keyFamilies are the signature algorithms by kind of key, the preferred first. SHA-1 and DSA are left out.
var keyFamilies = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
	{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
}

// hostKeyPolicy is which keys are accepted in one dial, and which algorithms are asked for so that the server shows one
// of them: asked for others, it would show a key that is not known though a known one exists (golang/go#29286).
type hostKeyPolicy struct {
	target     *Target
	algorithms []string
	check      ssh.HostKeyCallback // nil: pinned keys decide
	want       []string
	known      []Key // from known_hosts
	got        *Key  // the key that the server showed
}

// policy returns the host-key policy for a target. avoid are key types that were shown and are not pinned.
func (t *Target) policy(avoid []string) (*hostKeyPolicy, error) {
	p := &hostKeyPolicy{target: t}
	if len(t.PinnedKeys) > 0 {
		p.want = t.PinnedKeys
		for _, family := range keyFamilies {
			if !slices.ContainsFunc(avoid, func(keyType string) bool { return inFamily(family, keyType) }) {
				p.algorithms = append(p.algorithms, family...)
			}
		}
		return p, nil
	}
	p.algorithms = slices.Concat(keyFamilies...)
	files := slices.DeleteFunc(slices.Clone(t.KnownHosts), func(name string) bool {
		_, err := os.Stat(name)
		return errors.Is(err, os.ErrNotExist)
	})
	if len(files) == 0 {
		return p, nil
	}
	db, err := knownhosts.NewDB(files...)
	if err != nil {
		return nil, fmt.Errorf("read known hosts: %w", err)
	}
	p.check = db.HostKeyCallback()
	for _, known := range db.HostKeys(t.Addr()) {
		p.known = append(p.known, keyOf(known.PublicKey))
		p.want = append(p.want, keyOf(known.PublicKey).String())
	}
	if known := db.HostKeyAlgorithms(t.Addr()); len(known) > 0 {
		p.algorithms = slices.DeleteFunc(known, func(a string) bool { return a == ssh.KeyAlgoRSA }) //nolint:staticcheck // the SHA-1 one goes
	}
	return p, nil
}

func inFamily(family []string, keyType string) bool {
	return slices.Contains(family, keyType) || (keyType == ssh.KeyAlgoRSA && family[0] == ssh.KeyAlgoRSASHA512)
}

// callback is the ssh.HostKeyCallback of the policy.
func (p *hostKeyPolicy) callback(host string, addr net.Addr, public ssh.PublicKey) error {
	key := keyOf(public)
	p.got = &key
	switch {
	case p.check != nil && len(p.want) > 0:
		err := p.check(host, addr, public)
		if err == nil {
			return nil
		}
		if !knownhosts.IsHostKeyChanged(err) && !knownhosts.IsHostUnknown(err) {
			return err // revoked, say: the library's words are right
		}
	case slices.Contains(p.want, key.Fingerprint):
		return nil
	}
	return &HostKeyError{
		Destination: p.target.Name, Addr: p.target.Addr(), Got: []Key{key}, Want: p.want,
		Pinned: len(p.target.PinnedKeys) > 0,
	}
}

// Trusted returns the keys that the target's known_hosts files hold for it.
func (t *Target) Trusted() ([]Key, error) {
	p, err := t.policy(nil)
	if err != nil {
		return nil, err
	}
	return p.known, nil
}

// errKeySeen ends a handshake that was only made to see the host key.
var errKeySeen = errors.New("host key seen")

// HostKeys returns the keys that the server shows, the preferred kind first, each with one connection that ends before
// anything is said about the account.
func HostKeys(ctx context.Context, t Target) ([]Key, error) {
	var keys []Key
	var firstErr error
	for _, family := range keyFamilies {
		key, err := t.hostKey(ctx, family)
		var none *ssh.AlgorithmNegotiationError
		switch {
		case err == nil:
			keys = append(keys, key)
		case errors.As(err, &none): // the server has no key of that kind
		case firstErr == nil:
			firstErr = err
		}
		if firstErr != nil {
			break // the network, not the kind of key
		}
	}
	if len(keys) == 0 {
		if firstErr == nil {
			firstErr = errors.New("the server has no ed25519, ECDSA or RSA host key")
		}
		return nil, t.connectError(firstErr)
	}
	return keys, nil
}

func (t *Target) hostKey(ctx context.Context, algorithms []string) (Key, error) {
	var key Key
	_, err := t.connect(ctx, &ssh.ClientConfig{
		User:              t.User,
		HostKeyAlgorithms: algorithms,
		HostKeyCallback: func(_ string, _ net.Addr, public ssh.PublicKey) error {
			key = keyOf(public)
			return errKeySeen
		},
	})
	if key.public != nil {
		return key, nil
	}
	return Key{}, err
}
