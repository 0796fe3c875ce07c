package config

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
)

// hashPrefix begins a SHA-256 fingerprint as OpenSSH writes it.
const hashPrefix = "SHA256:"

// HostKeyPrint returns the fingerprint of a host key as OpenSSH writes it, SHA256: and 43 letters of base64, from a text in which
// some program has shown it:
//
//	SHA256:jJdV...Y                                   FileZilla, OpenSSH; with a "=" at its end or without
//	256 SHA256:jJdV...Y root@acme (ED25519)           ssh-keygen -lf
//	ssh-ed25519 255 SHA256:jJdV...Y                   PuTTY, WinSCP
//	ssh-ed25519 255 jJdV...Y=                         WinSCP
//	ssh-ed25519-255-jJdV...Y                          WinSCP, in a session's URL
//	jJdV...Y=                                         the same without all that
//	acme ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI...     the key itself, of a .pub or known_hosts file, as PuTTY and WinSCP take it too
//
// ok is false where there is none. why says then what the text is, where that is known, and what to do.
func HostKeyPrint(text string) (print string, why string, ok bool) {
	words := strings.Fields(strings.Replace(text, hashPrefix+" ", hashPrefix, 1))
	for i, word := range words {
		encoded, marked := strings.CutPrefix(word, hashPrefix)
		// Without its mark a word may be anything, but for one that stands alone, or behind the number of bits.
		if marked || len(words) == 1 || i > 0 && isBits.MatchString(words[i-1]) {
			if print, ok = printOf(encoded); ok {
				return print, "", true
			}
		}
		if print, ok = printOfKey(word); ok {
			return print, "", true
		}
	}
	if slices.ContainsFunc(words, isMD5.MatchString) {
		return "", "an MD5 fingerprint, for which another key can be made: what shows this one shows one with SHA-256 too, WinSCP under " +
			"Session, Server/Protocol Information, OpenSSH with `ssh-keygen -lf KEY.pub`; or let `dropferry trust` show it", false
	}
	return "", "", false
}

var (
	isBits = regexp.MustCompile(`^[0-9]{3,5}$`)
	// isMD5 is of sixteen numbers, behind a mark, or behind the algorithm and the bits as in WinSCP's URLs.
	isMD5 = regexp.MustCompile(`^(?i:MD5:|[a-z0-9@.-]+-[0-9]{3,5}-)?[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){15}$`)
	inURL = regexp.MustCompile(`^[a-z][a-z0-9@.-]*-[0-9]{3,5}-([A-Za-z0-9_-]{43})=?$`)
	ofURL = strings.NewReplacer("-", "+", "_", "/")
)

// printOf returns the fingerprint that is written in base64, or in that of URLs.
func printOf(encoded string) (string, bool) {
	if m := inURL.FindStringSubmatch(encoded); m != nil {
		encoded = m[1]
	}
	sum, err := base64.RawStdEncoding.Strict().DecodeString(ofURL.Replace(strings.TrimSuffix(encoded, "=")))
	if err != nil || len(sum) != sha256.Size {
		return "", false
	}
	return hashPrefix + base64.RawStdEncoding.EncodeToString(sum), true
}

// printOfKey returns the fingerprint of a public key in base64. It begins with the name of its algorithm, RFC 4253 section 6.6.
func printOfKey(encoded string) (string, bool) {
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) < 4 {
		return "", false
	}
	n := int64(binary.BigEndian.Uint32(key))
	if n == 0 || n > 64 || n > int64(len(key)-4) || !isAlgorithm.Match(key[4:4+n]) {
		return "", false
	}
	sum := sha256.Sum256(key)
	return hashPrefix + base64.RawStdEncoding.EncodeToString(sum[:]), true
}

var isAlgorithm = regexp.MustCompile(`^(ssh|ecdsa|sk|rsa)-[a-z0-9@.-]+$`)
