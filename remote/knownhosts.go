package remote

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// readKnownHosts reads known_hosts files. Lines with a key of a type that is not known here are passed over, as by ssh: a newer one
// writes such lines for other servers, and no server can show such a key here.
func readKnownHosts(files []string) (*knownhosts.HostKeyDB, error) {
	db, err := knownhosts.NewDB(files...)
	if err == nil {
		return db, nil
	}
	dir, tempErr := os.MkdirTemp("", "dropferry-known-hosts")
	if tempErr != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing in it is secret
	var copies []string
	left := false
	for i, name := range files {
		text, readErr := os.ReadFile(name)
		if readErr != nil {
			return nil, err
		}
		known, dropped := withoutUnknownKeys(text)
		left = left || dropped
		at := filepath.Join(dir, string(rune('a'+i)))
		if writeErr := os.WriteFile(at, known, 0o600); writeErr != nil {
			return nil, errors.Join(err, writeErr)
		}
		copies = append(copies, at)
	}
	if !left {
		return nil, err
	}
	if db, copyErr := knownhosts.NewDB(copies...); copyErr == nil {
		return db, nil
	}
	return nil, err
}

// withoutUnknownKeys empties the lines of a known_hosts file whose key is of an unknown type, so that the others keep their numbers.
func withoutUnknownKeys(text []byte) (known []byte, dropped bool) {
	for line := range bytes.Lines(text) {
		if hasUnknownKey(line) {
			line, dropped = []byte("\n"), true
		}
		known = append(known, line...)
	}
	return known, dropped
}

// hasUnknownKey tells whether a line is well formed, and its key of a type that is not known: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
func hasUnknownKey(line []byte) bool {
	fields := bytes.Fields(line)
	if len(fields) > 0 && bytes.HasPrefix(fields[0], []byte("@")) {
		fields = fields[1:]
	}
	const least = 3 // names, type, key
	if len(fields) < least || bytes.HasPrefix(fields[0], []byte("#")) {
		return false
	}
	kind := string(fields[1])
	blob, err := base64.StdEncoding.DecodeString(string(fields[2]))
	if err != nil || len(blob) < 4 || int64(binary.BigEndian.Uint32(blob)) != int64(len(kind)) || !bytes.HasPrefix(blob[4:], []byte(kind)) {
		return false
	}
	return !slices.Contains(keyTypes, kind)
}

// keyTypes are those that x/crypto/ssh reads.
var keyTypes = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA, keyDSA, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256,
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSAv01,
	"ssh-dss-cert-v01@openssh.com", ssh.CertAlgoSKED25519v01, ssh.CertAlgoSKECDSA256v01,
}
