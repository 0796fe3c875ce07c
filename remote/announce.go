package remote

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// A server says which host keys it has, those too that it will change to: PROTOCOL of OpenSSH, section 2.5.
const (
	keysRequest  = "hostkeys-00@openssh.com"
	proveRequest = "hostkeys-prove-00@openssh.com"
)

// overhear takes what the server says of its host keys out of its requests, and lets the rest through.
func overhear(requests <-chan *ssh.Request, keys chan<- []byte) <-chan *ssh.Request {
	rest := make(chan *ssh.Request)
	go func() { // ends with the connection
		defer close(rest)
		for r := range requests {
			if r.Type != keysRequest {
				rest <- r
				continue
			}
			select {
			case keys <- r.Payload:
			default: // it says it once, or too often
			}
			if r.WantReply {
				_ = r.Reply(true, nil) // if it cannot be sent, the connection is gone
			}
		}
	}()
	return rest
}

// hearKeys waits for what the server says of its host keys, and passes on those that are trusted and those that it has proved
// to have.
func (s *Session) hearKeys() {
	if s.target.Announced == nil {
		return
	}
	select {
	case payload := <-s.conn.announced:
		known, others, err := s.split(parseKeys(payload))
		if err == nil {
			others, err = s.proved(others)
		}
		if err == nil && s.Err() == nil {
			s.target.Announced(append(known, others...))
		}
	case <-s.dead:
	}
}

// parseKeys reads a list of strings, and leaves out what is no key that is understood, as OpenSSH does.
func parseKeys(payload []byte) []Key {
	var keys []Key
	for len(payload) > 0 {
		var next struct {
			Blob []byte
			Rest []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(payload, &next) != nil {
			return nil
		}
		payload = next.Rest
		public, err := ssh.ParsePublicKey(next.Blob)
		if _, isCertificate := public.(*ssh.Certificate); err == nil && !isCertificate {
			keys = append(keys, keyOf(public))
		}
	}
	return keys
}

// split tells the keys that are pinned or known from the others.
func (s *Session) split(keys []Key) (known, others []Key, err error) {
	trusted, err := s.target.Trusted()
	if err != nil {
		return nil, nil, err // the next dial will say why
	}
	for _, k := range keys {
		if slices.Contains(s.target.PinnedKeys, k.Fingerprint) ||
			slices.ContainsFunc(trusted, func(t Key) bool { return t.Fingerprint == k.Fingerprint }) {
			known = append(known, k)
		} else {
			others = append(others, k)
		}
	}
	return known, others, nil
}

// proved returns keys for each of which the server has signed. It waits for the answer, at most until the connection ends.
func (s *Session) proved(keys []Key) ([]Key, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var request []byte
	for _, k := range keys {
		request = append(request, ssh.Marshal(struct{ Blob []byte }{k.public.Marshal()})...)
	}
	ok, answer, err := s.client.SendRequest(proveRequest, true, request)
	if err != nil || !ok {
		return nil, errors.Join(errors.New("the server does not prove its keys"), err)
	}
	for _, k := range keys {
		var next struct {
			Signature []byte
			Rest      []byte `ssh:"rest"`
		}
		var signature ssh.Signature
		if err := errors.Join(ssh.Unmarshal(answer, &next), ssh.Unmarshal(next.Signature, &signature)); err != nil {
			return nil, fmt.Errorf("read the proof of host key %s: %w", k, err)
		}
		answer = next.Rest
		signed := ssh.Marshal(struct {
			Request string
			Session []byte
			Blob    []byte
		}{proveRequest, s.client.SessionID(), k.public.Marshal()})
		if err := k.public.Verify(signed, &signature); err != nil {
			return nil, fmt.Errorf("check the proof of host key %s: %w", k, err)
		}
	}
	return keys, nil
}

// ParseKnownKey reads one line of a known_hosts file, with the address as it stands there; ok is false for a comment, and for
// what is not understood.
func ParseKnownKey(line []byte) (host string, key Key, ok bool) {
	_, hosts, public, _, rest, err := ssh.ParseKnownHosts(line)
	if err != nil || len(hosts) != 1 || len(bytes.TrimSpace(rest)) > 0 {
		return "", Key{}, false
	}
	return hosts[0], keyOf(public), true
}
