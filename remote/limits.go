package remote

import (
	"encoding/binary"
	"fmt"
)

// Limits are a server's answers to limits@openssh.com, in bytes and a count; 0 is what it did not tell.
// Source: OpenSSH's PROTOCOL file, section 4.8.
type Limits struct {
	Packet  uint64 `json:"packet"`
	Read    uint64 `json:"read"`
	Write   uint64 `json:"write"`
	Handles uint64 `json:"handles"`
}

// OneWrite is the size in bytes up to which a file goes up in one piece at every server.
const OneWrite = safeWrite

const (
	// safeWrite is the payload that every server takes: some refuse more, some cut the connection.
	safeWrite = 32 << 10
	// maxWrite is the most that is asked for. OpenSSH takes 261,120; larger packets gain nothing.
	maxWrite = 255 << 10
	// leastWrite is the least that is believed: a smaller figure is a mistake, and would make a file take for ever.
	leastWrite = 1 << 10
	// writeHead is more than what comes before the payload of a WRITE. OpenSSH allows as much between its two limits.
	writeHead = 1 << 10
)

// write returns the payload of a WRITE that the server takes, in bytes.
func (l Limits) write() int {
	most := l.Write
	if l.Packet > writeHead {
		most = min(most, l.Packet-writeHead)
	}
	if most < leastWrite {
		return safeWrite
	}
	return int(min(most, maxWrite))
}

// askLimits asks for the server's limits before pkg/sftp is there to read: nothing else is in flight then.
func (m *mux) askLimits() (Limits, error) {
	if !m.has(extLimits) {
		return Limits{}, nil
	}
	if _, err := m.out.Write(requestPacket(packetExtended, firstOwnID-1, appendString(nil, extLimits))); err != nil {
		return Limits{}, fmt.Errorf("ask for limits: %w", err)
	}
	packet, err := m.readPacket()
	if err != nil {
		return Limits{}, fmt.Errorf("ask for limits: %w", err)
	}
	return parseLimits(packet[4:]), nil
}

// parseLimits reads the reply from the packet type on. A refusal or a malformed reply is no limits: the safe sizes.
func parseLimits(reply []byte) Limits {
	const head = 5 // type, id
	if len(reply) < head+4*8 || reply[0] != packetReply {
		return Limits{}
	}
	v := func(i int) uint64 { return binary.BigEndian.Uint64(reply[head+8*i:]) }
	return Limits{Packet: v(0), Read: v(1), Write: v(2), Handles: v(3)}
}
