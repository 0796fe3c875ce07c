package remote

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"

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

// hearKeys waits for what the server says of its host keys, and what jump hosts on the way say of theirs.
func (s *Session) hearKeys() {
	var hearing sync.WaitGroup
	for _, h := range s.way.hops {
		hearing.Go(func() { h.target.hearKeys(h.conn, h.client, s.dead) })
	}
	s.target.hearKeys(s.conn, s.client, s.dead)
	hearing.Wait()
}

// hearKeys waits for what a server says of its host keys, and passes on those that are trusted and those that it has proved
// to have.
func (t *Target) hearKeys(conn *liveConn, client *ssh.Client, end <-chan struct{}) {
	if t.Announced == nil {
		return
	}
	select {
	case payload := <-conn.announced:
		known, others, err := t.split(parseKeys(payload))
		if err == nil {
			others, err = provenKeys(client, others)
		}
		if err == nil && !isOver(end) {
			t.Announced(append(known, others...))
		}
	case <-end:
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
func (t *Target) split(keys []Key) (known, others []Key, err error) {
	trusted, err := t.Trusted()
	if err != nil {
		return nil, nil, err // the next dial will say why
	}
	for _, k := range keys {
		if slices.Contains(t.PinnedKeys, k.Fingerprint) ||
			slices.ContainsFunc(trusted, func(known Key) bool { return known.Fingerprint == k.Fingerprint }) {
			known = append(known, k)
		} else {
			others = append(others, k)
		}
	}
	return known, others, nil
}

// provenKeys returns keys for each of which the server has signed. It waits for the answer, at most until the connection ends.
func provenKeys(client *ssh.Client, keys []Key) ([]Key, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var request []byte
	for _, k := range keys {
		request = append(request, ssh.Marshal(struct{ Blob []byte }{k.public.Marshal()})...)
	}
	ok, answer, err := client.SendRequest(proveRequest, true, request)
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
		}{proveRequest, client.SessionID(), k.public.Marshal()})
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
