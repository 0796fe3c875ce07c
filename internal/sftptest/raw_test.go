package sftptest

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/crypto/ssh"
)

// raw speaks SFTP packets, for what pkg/sftp has no call for.
type raw struct {
	ssh.Channel
	t *testing.T
}

func rawSession(t *testing.T, c *ssh.Client) (r raw, extensions []string) {
	t.Helper()
	ch, reqs, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	if ok, err := ch.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"})); err != nil || !ok {
		t.Fatalf("subsystem: %v, %v", ok, err)
	}
	r = raw{ch, t}
	if _, err := ch.Write([]byte{0, 0, 0, 5, packetInit, 0, 0, 0, 3}); err != nil {
		t.Fatal(err)
	}
	for rest := r.receive()[9:]; len(rest) > 0; {
		var name string
		if name, rest, err = readString(rest); err == nil {
			_, rest, err = readString(rest)
		}
		if err != nil {
			t.Fatal(err)
		}
		extensions = append(extensions, name)
	}
	slices.Sort(extensions)
	return r, extensions
}

func (r raw) receive() []byte {
	r.t.Helper()
	packet, err := readPacket(r)
	if err != nil {
		r.t.Fatal(err)
	}
	return packet
}

// extended sends an extended request and returns the reply from its type on.
func (r raw) extended(name string, body []byte) []byte {
	r.t.Helper()
	packet := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetExtended}, 1<<31)
	if _, err := r.Write(withLength(append(appendString(packet, name), body...))); err != nil {
		r.t.Fatal(err)
	}
	reply := r.receive()
	if id := binary.BigEndian.Uint32(reply[5:]); id != 1<<31 {
		r.t.Fatalf("reply to %d", id)
	}
	return append(reply[4:5:5], reply[9:]...)
}
