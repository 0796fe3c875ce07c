package remote

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// keys are what the account signs with, its certificate first.
func (p *proofs) keys(ctx context.Context, t *Target) ([]ssh.Signer, error) {
	var signers []ssh.Signer
	switch {
	case t.Agent != "":
		held, release, err := agentKeys(ctx, t.Agent)
		if err != nil {
			return nil, err
		}
		p.release = release
		if signers, err = chosen(held, t.KeyFile); err != nil {
			return nil, err
		}
	case t.KeyFile != "":
		signer, err := loadKey(t.KeyFile, t.Passphrase)
		if err != nil {
			return nil, err
		}
		signers = []ssh.Signer{signer}
	}
	if name, asked := t.certificateFile(); name != "" {
		certified, err := certify(name, signers)
		switch {
		case err == nil && asked:
			signers = []ssh.Signer{certified}
		case err == nil:
			signers = append([]ssh.Signer{certified}, signers...)
		case asked:
			return nil, err
		default:
			p.stale = err.Error() // the key alone may do
		}
	}
	var offered []ssh.Signer
	for _, s := range signers {
		signs, err := modern(s, t.Legacy)
		if err != nil {
			return nil, fmt.Errorf("use key %s: %w", keyOf(s.PublicKey()), err)
		}
		offered = append(offered, signs...)
	}
	return offered, nil
}

// certificateFile returns the file of the account's certificate: the one that is asked for, or the one beside the key, where
// ssh-keygen puts it; "" where there is none.
func (t *Target) certificateFile() (name string, asked bool) {
	if t.Certificate != "" {
		return t.Certificate, true
	}
	if t.KeyFile == "" {
		return "", false
	}
	name = strings.TrimSuffix(t.KeyFile, ".pub") + "-cert.pub"
	if _, err := os.Stat(name); err != nil {
		return "", false
	}
	return name, false
}

// certify puts a certificate in front of the one of the keys that it is about.
func certify(name string, signers []ssh.Signer) (ssh.Signer, error) {
	c, err := loadCertificate(name)
	if err != nil {
		return nil, err
	}
	if until := validUntil(c); !until.IsZero() && !time.Now().Before(until) {
		return nil, &advised{
			fmt.Errorf("the certificate %s has expired, on %s", name, until.UTC().Format(time.RFC3339)),
			"have the key signed anew; the next attempt reads the new certificate",
		}
	}
	if from := validFrom(c); time.Now().Before(from) {
		return nil, &advised{
			fmt.Errorf("the certificate %s is valid only from %s on", name, from.UTC().Format(time.RFC3339)),
			"wait until then, or look at the clock of this machine and of the one that signs keys",
		}
	}
	for _, s := range signers {
		if !bytes.Equal(s.PublicKey().Marshal(), c.Key.Marshal()) {
			continue
		}
		signer, err := ssh.NewCertSigner(c, s)
		if err != nil {
			return nil, fmt.Errorf("use certificate %s: %w", name, err)
		}
		return signer, nil
	}
	return nil, &advised{
		fmt.Errorf("the certificate %s is for another key: %s", name, keyOf(c.Key)), "ssh-keygen -Lf " + name + " shows whom it is for",
	}
}

// loadCertificate reads the certificate of a user, as ssh-keygen -s writes it; see PROTOCOL.certkeys of OpenSSH.
func loadCertificate(name string) (*ssh.Certificate, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil, fmt.Errorf("read certificate %s: %w", name, err)
	}
	c, ok := public.(*ssh.Certificate)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is a public key and no certificate: that is a file ending in -cert.pub, which who signs the key gives back", name)
	case c.CertType != ssh.UserCert:
		return nil, fmt.Errorf("%s is the certificate of a host, not of a user", name)
	}
	return c, nil
}

// validUntil is when a certificate expires; the zero time where it never does.
func validUntil(c *ssh.Certificate) time.Time {
	if c.ValidBefore == ssh.CertTimeInfinity || c.ValidBefore > 1<<62 {
		return time.Time{}
	}
	return time.Unix(int64(c.ValidBefore), 0)
}

// validFrom is when a certificate becomes valid; the zero time where it always has been.
func validFrom(c *ssh.Certificate) time.Time {
	if c.ValidAfter == 0 || c.ValidAfter > 1<<62 {
		return time.Time{}
	}
	return time.Unix(int64(c.ValidAfter), 0)
}

// Certificate is what is known of an account's certificate.
type Certificate struct {
	File  string
	From  time.Time // when its validity begins; zero where it always has
	Until time.Time // when it ends; zero where it never does
}

// CertificateOf returns the certificate that an account would show; ok is false where it has none. Certificates that an agent
// holds are the agent's.
func CertificateOf(t Target) (c Certificate, ok bool, err error) {
	name, _ := t.certificateFile()
	if name == "" {
		return c, false, nil
	}
	signed, err := loadCertificate(name)
	if err != nil {
		return Certificate{File: name}, true, err
	}
	return Certificate{File: name, From: validFrom(signed), Until: validUntil(signed)}, true, nil
}

// Expires tells whether a certificate has expired or is about to: what is left is less than a fifth of its life, and less
// than two weeks.
func (c Certificate) Expires(now time.Time) bool {
	const soon = 14 * 24 * time.Hour
	if c.Until.IsZero() {
		return false
	}
	warn := soon
	if !c.From.IsZero() {
		warn = min(soon, c.Until.Sub(c.From)/5)
	}
	return c.Until.Sub(now) < cmp.Or(max(warn, 0), soon)
}

// loadKey reads a private key.
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
		return nil, fmt.Errorf("%s is a PuTTY key: OpenSSH's format is wanted; `dropferry check` says how to convert it", name)
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
	return signer, nil
}

// modern lets RSA keys sign with SHA-2 only, in a certificate too: SHA-1 signatures are refused by current servers. Where SHA-1 is
// asked for it is offered as well, behind the others: there are servers that announce SHA-2 and refuse it.
func modern(signer ssh.Signer, legacy []string) ([]ssh.Signer, error) {
	kind := signer.PublicKey().Type()
	rsa, ok := signer.(ssh.AlgorithmSigner)
	if !ok || kind != ssh.KeyAlgoRSA && kind != ssh.CertAlgoRSAv01 {
		return []ssh.Signer{signer}, nil
	}
	var signers []ssh.Signer
	sets := [][]string{rsaSignatures}
	if slices.Contains(legacy, ssh.KeyAlgoRSA) {
		sets = append(sets, []string{ssh.KeyAlgoRSA})
	}
	for _, set := range sets {
		limited, err := ssh.NewSignerWithAlgorithms(rsa, set)
		if err != nil {
			return nil, err
		}
		signers = append(signers, limited)
	}
	return signers, nil
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
