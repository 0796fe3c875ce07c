package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Key is a server's public host key.
type Key struct {
	Type        string // ssh-ed25519, ecdsa-sha2-nistp256, ssh-rsa, ...
	Fingerprint string // SHA256:...
	public      ssh.PublicKey
}

// bareKey returns the key that a certificate is for, and any other key as it is.
func bareKey(public ssh.PublicKey) ssh.PublicKey {
	if c, ok := public.(*ssh.Certificate); ok {
		return c.Key
	}
	return public
}

// keyOf returns the key itself where it is shown in a certificate, as ssh-keygen -l does.
func keyOf(public ssh.PublicKey) Key {
	public = bareKey(public)
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
	known       string   // the address under which known_hosts files have the server
	Files       []string // the configuration's own known_hosts files, which nobody but a person writes; else none
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
	case len(e.Files) > 0:
		return fmt.Sprintf("compare with what the server's owner says; then %s: %s", e.edit(), strings.Join(e.lines(), "; "))
	case len(e.Want) == 0:
		return fmt.Sprintf("compare with what the server's owner says; then: dropferry trust %s", e.Destination)
	}
	return fmt.Sprintf("compare with what the server's owner says; then: dropferry trust %s --replace", e.Destination)
}

// edit says what to do to the configuration's known_hosts file, before the lines that are to stand in it.
func (e *HostKeyError) edit() string {
	file := strings.Join(e.Files, " or ")
	if len(e.Want) == 0 {
		return "add to " + file
	}
	return fmt.Sprintf("replace the lines of %s in %s by", e.Addr, file)
}

// lines are those of a known_hosts file that would trust what the server shows.
func (e *HostKeyError) lines() []string {
	var lines []string
	for _, k := range e.Got {
		if k.public != nil {
			lines = append(lines, k.Line(e.known))
		}
	}
	return lines
}

// errKnownHosts marks a host key that cannot be judged, or that a known_hosts file speaks against in another way than by
// naming another one.
var errKnownHosts = errors.New("known hosts")

// hostKeyPolicy is which keys are accepted in one dial, and which algorithms are asked for so that the server shows one
// of them: asked for others, it would show a key that is not known though a known one exists (golang/go#29286).
type hostKeyPolicy struct {
	target     *Target
	algorithms []string
	check      ssh.HostKeyCallback // nil where no known_hosts file is there to decide
	want       []string
	known      []Key // from known_hosts
	shown      []Key // by the server, and not accepted
	got        *Key  // the key that the server showed last
}

// policy returns the host-key policy for a target.
func (t *Target) policy() (*hostKeyPolicy, error) {
	p := &hostKeyPolicy{target: t, algorithms: t.hostKeyAlgorithms()}
	if len(t.PinnedKeys) > 0 {
		p.want = t.PinnedKeys
		if kind, ok := pinnedKinds.Load(t.pins()); ok { // first, but no more: the server may have changed to another that is pinned
			var first, rest []string
			for _, a := range p.algorithms {
				if signs(a, kind.(string)) {
					first = append(first, a)
				} else {
					rest = append(rest, a)
				}
			}
			p.algorithms = append(first, rest...)
		}
		return p, nil
	}
	files := slices.DeleteFunc(slices.Clone(t.KnownHosts), func(name string) bool {
		_, err := os.Stat(name)
		return errors.Is(err, os.ErrNotExist)
	})
	if len(files) == 0 {
		return p, nil
	}
	db, err := readKnownHosts(files)
	if err != nil {
		return nil, &marked{fmt.Errorf("read known hosts: %w", err), errKnownHosts}
	}
	p.check = db.HostKeyCallback()
	for _, known := range db.HostKeys(t.knownAddr()) {
		p.known = append(p.known, keyOf(known.PublicKey))
		p.want = append(p.want, keyOf(known.PublicKey).String())
	}
	if known := slices.DeleteFunc(db.HostKeyAlgorithms(t.knownAddr()), t.outdated); len(known) > 0 {
		p.algorithms = known
	}
	return p, nil
}

// pinnedKinds remembers of which kind the key was that a server has shown and that is pinned, since a fingerprint does not tell: by
// Target.pins. Else each dial would take several connections, which a server may count.
var pinnedKinds sync.Map

// pins names a server with the keys that are pinned.
func (t *Target) pins() string { return t.Addr() + " " + strings.Join(t.PinnedKeys, " ") }

// accepted notes the key of a server that was let in.
func (p *hostKeyPolicy) accepted() Key {
	if len(p.target.PinnedKeys) > 0 {
		pinnedKinds.Store(p.target.pins(), p.got.Type)
	}
	return *p.got
}

// hostKeyAlgorithms are all that the server may prove itself with.
func (t *Target) hostKeyAlgorithms() []string { return slices.Concat(algorithms(t.Legacy).hostKeys...) }

// outdated tells whether a signature algorithm for host keys rests on SHA-1, and is not asked for all the same.
func (t *Target) outdated(algorithm string) bool {
	return !slices.Contains(t.Legacy, algorithm) && slices.Contains([]string{ssh.KeyAlgoRSA, ssh.CertAlgoRSAv01, keyDSA, "ssh-dss-cert-v01@openssh.com"}, algorithm)
}

// callback is the ssh.HostKeyCallback of the policy.
func (p *hostKeyPolicy) callback(_ string, addr net.Addr, public ssh.PublicKey) error {
	key := keyOf(public)
	p.got = &key
	switch {
	case p.check != nil:
		err := p.check(p.target.knownAddr(), addr, public)
		if err == nil {
			return nil
		}
		if !knownhosts.IsHostKeyChanged(err) && !knownhosts.IsHostUnknown(err) { // it is revoked, say
			return &marked{fmt.Errorf("the host key of %s is %s: %w", p.target.Addr(), key, err), errKnownHosts}
		}
	case slices.Contains(p.want, key.Fingerprint):
		return nil
	}
	return p.mismatch(key)
}

func (p *hostKeyPolicy) mismatch(got ...Key) *HostKeyError {
	e := &HostKeyError{
		Destination: p.target.Name, Addr: p.target.Addr(), Got: got, Want: p.want,
		Pinned: len(p.target.PinnedKeys) > 0, known: p.target.knownAddr(),
	}
	if p.target.KeptByHand && !e.Pinned {
		e.Files = p.target.KnownHosts
	}
	return e
}

// next changes the policy after a dial that failed for err, so that another one tells more. It returns the
// error to give up with, nil where another dial is worth it.
func (p *hostKeyPolicy) next(err error) error {
	var hostKey *HostKeyError
	var none *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &hostKey):
		p.shown = append(p.shown, hostKey.Got...)
		// A pinned fingerprint does not tell its key's type: the server is asked again for the rest.
		p.algorithms = slices.DeleteFunc(slices.Clone(p.algorithms), func(a string) bool {
			return slices.ContainsFunc(p.shown, func(k Key) bool { return signs(a, k.Type) })
		})
		if !hostKey.Pinned || len(p.algorithms) == 0 {
			return p.mismatch(p.shown...)
		}
		return nil
	case errors.As(err, &none) && none.What == "host key":
		all := p.target.hostKeyAlgorithms()
		switch {
		case len(p.shown) > 0: // the server has no further kind of key
			return p.mismatch(p.shown...)
		case !slices.Equal(p.algorithms, all): // it has none of the known kinds any more: which, then?
			p.algorithms = all
			return nil
		}
	}
	return err
}

// signs tells whether a signature algorithm belongs to keys of a type.
func signs(algorithm, keyType string) bool {
	if keyType == ssh.KeyAlgoRSA {
		return algorithm == ssh.KeyAlgoRSASHA512 || algorithm == ssh.KeyAlgoRSASHA256 || algorithm == ssh.KeyAlgoRSA
	}
	return algorithm == keyType
}

// Trusted returns the keys that the target's known_hosts files hold for it.
func (t *Target) Trusted() ([]Key, error) {
	p, err := t.policy()
	if err != nil {
		return nil, err
	}
	return p.known, nil
}

// keySeen ends a handshake that was only made to see the host key.
type keySeen struct{ key Key }

func (e *keySeen) Error() string { return "host key seen" }

// HostKeys returns the keys that the server shows, the preferred kind first, each with one connection that ends before
// anything is said about the account. Jump hosts in front of it are logged in to.
func HostKeys(ctx context.Context, t Target) ([]Key, error) {
	t = t.withDefaults()
	way, err := t.openTrail(ctx)
	if err != nil {
		return nil, t.connectError(err)
	}
	defer way.close()
	var keys []Key
	var last error
	for _, family := range algorithms(t.Legacy).hostKeys {
		key, err := t.hostKey(ctx, way, family)
		var none *ssh.AlgorithmNegotiationError
		switch {
		case err == nil:
			keys = append(keys, key)
		case errors.As(err, &none) && none.What == "host key": // the server has no key of that kind
			last = err
		case len(keys) == 0:
			return nil, t.connectError(t.adviseOn(ctx, way, err))
		default: // the network, not the kind of key: what was seen is right
			return keys, nil
		}
	}
	if len(keys) == 0 {
		return nil, t.connectError(t.adviseOn(ctx, way, last))
	}
	return keys, nil
}

// hostKey returns the key that the server shows, of the kinds that sign with one of the algorithms offered.
func (t *Target) hostKey(ctx context.Context, way *trail, offered []string) (Key, error) {
	_, _, err := t.connect(ctx, way, &ssh.ClientConfig{
		Config:            algorithms(t.Legacy).config(),
		User:              t.User,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: offered,
		HostKeyCallback:   func(_ string, _ net.Addr, public ssh.PublicKey) error { return &keySeen{keyOf(public)} },
	})
	if seen, ok := errors.AsType[*keySeen](err); ok {
		return seen.key, nil
	}
	return Key{}, err
}
