package remote

import (
	"encoding/binary"
	"io"
)

// Packet types of SFTP version 3, draft-ietf-secsh-filexfer-02 section 3.
const (
	packetInit     = 1
	packetVersion  = 2
	packetOpen     = 3
	packetClose    = 4
	packetRead     = 5
	packetWrite    = 6
	packetLstat    = 7
	packetFstat    = 8
	packetFsetstat = 10
	packetRemove   = 13
	packetRmdir    = 15
	packetStatus   = 101
	packetHandle   = 102
	packetData     = 103
	packetAttrs    = 105
	packetExtended = 200
	packetReply    = 201
)

// protocolVersion is the version of SFTP that everybody speaks.
const protocolVersion = 3

// maxReply bounds a packet from the server. OpenSSH uses the same figure, SFTP_MAX_MSG_LENGTH.
const maxReply = 256 << 10

// idAt is where the id of a request stands in its packet, behind length and type.
const idAt = 5

// requestPacket returns a request, its length first.
func requestPacket(kind byte, id uint32, body []byte) []byte {
	packet := make([]byte, 0, 9+len(body))
	packet = binary.BigEndian.AppendUint32(packet, uint32(5+len(body)))
	packet = append(packet, kind)
	packet = binary.BigEndian.AppendUint32(packet, id)
	return append(packet, body...)
}

// versionPacket returns a VERSION that announces extensions.
func versionPacket(extensions map[string]string) []byte {
	packet := []byte{0, 0, 0, 0, packetVersion, 0, 0, 0, protocolVersion}
	for name, data := range extensions {
		packet = appendString(appendString(packet, name), data)
	}
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-4))
	return packet
}

// parseExtensions reads the list of a VERSION. What is malformed ends it: the rest is done without.
func parseExtensions(list []byte) map[string]string {
	extensions := map[string]string{}
	for len(list) > 0 {
		name, rest, err := readString(list)
		if err != nil {
			break
		}
		data, rest, err := readString(rest)
		if err != nil {
			break
		}
		extensions[name], list = data, rest
	}
	return extensions
}

// parseStatus reads a reply from the packet type on: nil where it is a STATUS that says OK.
func parseStatus(reply []byte) error {
	if len(reply) < 9 || reply[0] != packetStatus {
		return errNotSFTP
	}
	code := binary.BigEndian.Uint32(reply[5:])
	if code == 0 {
		return nil
	}
	text, _, _ := readString(reply[9:]) // servers that leave it out have nothing to say
	return &statusError{code: code, text: text}
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// readString takes one SFTP string off b.
func readString(b []byte) (s string, rest []byte, err error) {
	if len(b) < 4 {
		return "", nil, io.ErrUnexpectedEOF
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", nil, io.ErrUnexpectedEOF
	}
	return string(b[4 : 4+n]), b[4+n:], nil
}

// framing follows a stream of packets, whatever pieces it comes in.
type framing struct {
	head [4]byte
	got  int   // bytes of head
	left int64 // bytes of the packet that are still to come, once head is whole
}

// take follows b to the end of the packet or of b, whichever comes first, and returns how many bytes that are.
func (f *framing) take(b []byte) int {
	n := copy(f.head[f.got:], b)
	f.got += n
	if f.got < len(f.head) {
		return n
	}
	if n > 0 {
		f.left = int64(binary.BigEndian.Uint32(f.head[:]))
	}
	body := min(f.left, int64(len(b)-n))
	if f.left -= body; f.left == 0 {
		*f = framing{}
	}
	return n + int(body)
}

// between tells whether the next byte begins a packet.
func (f *framing) between() bool { return f.got == 0 }
