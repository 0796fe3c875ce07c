package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// algorithmSet is what a connection may be protected with, by kind, the preferred first.
type algorithmSet struct {
	exchanges, ciphers, macs []string
	hostKeys                 [][]string // by kind of key: see keyFamilies
	signatures               []string   // of RSA keys, of either side
}

// keyFamilies are the signature algorithms by kind of key, the preferred first, but for RSA, which comes behind them. SHA-1 and
// DSA are left out.
var keyFamilies = [][]string{
	{ssh.KeyAlgoED25519},
	{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
}

var rsaSignatures = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}

// weak are the algorithms that are used only where the configuration asks for them by name, those of a kind from the least bad
// on. Arcfour is left out.
var weak = algorithmSet{
	exchanges:  []string{ssh.InsecureKeyExchangeDH14SHA1, ssh.InsecureKeyExchangeDHGEXSHA1, ssh.InsecureKeyExchangeDH1SHA1},
	ciphers:    []string{ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC},
	macs:       []string{ssh.InsecureHMACSHA196},
	hostKeys:   [][]string{{ssh.KeyAlgoRSA}, {keyDSA}},
	signatures: []string{ssh.KeyAlgoRSA},
}

// keyDSA is the algorithm of DSA keys, RFC 4253 section 6.6.
const keyDSA = "ssh-dss"

// WeakAlgorithms returns the names that Target.Legacy may have.
func WeakAlgorithms() []string {
	return slices.Concat(weak.exchanges, weak.ciphers, weak.macs, slices.Concat(weak.hostKeys...))
}

// libsshCurve25519 is the name under which libssh and older servers have curve25519-sha256; RFC 8731 section 2.
const libsshCurve25519 = "curve25519-sha256@libssh.org"

// algorithms are the modern ones, what resists quantum computers first, and behind them the legacy ones that are asked for.
func algorithms(legacy []string) algorithmSet {
	also := func(all, weak []string) []string {
		all = slices.Clone(all)
		for _, name := range weak {
			if slices.Contains(legacy, name) {
				all = append(all, name)
			}
		}
		return all
	}
	modern := ssh.SupportedAlgorithms()
	exchanges := slices.Clone(modern.KeyExchanges)
	if i := slices.Index(exchanges, ssh.KeyExchangeCurve25519); i >= 0 {
		exchanges = slices.Insert(exchanges, i+1, libsshCurve25519)
	}
	set := algorithmSet{
		exchanges: also(exchanges, weak.exchanges), ciphers: also(modern.Ciphers, weak.ciphers), macs: also(modern.MACs, weak.macs),
		signatures: also(rsaSignatures, weak.signatures),
	}
	set.hostKeys = append(slices.Clone(keyFamilies), set.signatures)
	if dsa := also(nil, weak.hostKeys[1]); len(dsa) > 0 {
		set.hostKeys = append(set.hostKeys, dsa)
	}
	return set
}

// config is what x/crypto/ssh is told.
func (s algorithmSet) config() ssh.Config {
	return ssh.Config{KeyExchanges: s.exchanges, Ciphers: s.ciphers, MACs: s.macs}
}

// weakOffers returns the weak algorithms with which a negotiation would not have failed.
func weakOffers(e *ssh.AlgorithmNegotiationError) []string {
	var kind []string
	switch {
	case e.What == "key exchange":
		kind = weak.exchanges
	case e.What == "host key":
		kind = slices.Concat(weak.hostKeys...)
	case strings.HasSuffix(e.What, "cipher"):
		kind = weak.ciphers
	case strings.HasSuffix(e.What, "MAC"):
		kind = weak.macs
	}
	for _, name := range kind { // the least bad is enough
		if slices.Contains(e.RequestedAlgorithms, name) {
			return []string{name}
		}
	}
	return nil
}

// adviseOn adds to a negotiation that failed what would let it succeed, if anything does. A negotiation tells of one kind of
// algorithm at a time: the server is asked again with what it wants, until it shows its key; nothing is said about the account.
func (t *Target) adviseOn(ctx context.Context, way *trail, err error) error {
	none, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err)
	if !ok {
		return err
	}
	asked := *t
	asked.Legacy = slices.Clone(t.Legacy)
	for range 6 { // key exchange, host key, and cipher and MAC of each direction
		offers := weakOffers(none)
		if len(offers) == 0 || slices.Contains(asked.Legacy, offers[0]) {
			return err
		}
		asked.Legacy = append(asked.Legacy, offers...)
		_, again := asked.hostKey(ctx, way, asked.hostKeyAlgorithms())
		if again == nil {
			return &advised{err, "the server has nothing better: ask its owner for a current SSH server, or allow what it has: " + legacyLine(asked.Legacy)}
		}
		if none, ok = errors.AsType[*ssh.AlgorithmNegotiationError](again); !ok {
			return err
		}
	}
	return err
}

// legacyLine is the line of the configuration that allows weak algorithms.
func legacyLine(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return fmt.Sprintf("legacy_algorithms = [%s]", strings.Join(quoted, ", "))
}
