package remote

import (
	"encoding/binary"
	"fmt"
)

// joined is a WRITE of pkg/sftp's that was sent in parts, since its size is fixed before it is known what the server
// bears. pkg/sftp gets one reply for all of them.
type joined struct {
	id   uint32 // pkg/sftp's
	left int    // replies that are to come
	bad  []byte // the first that is no success
}

// answered takes in the reply to a part, from the packet type on. It returns the packet for pkg/sftp, its length first,
// when the last is there. Only the reading goroutine calls it.
func (j *joined) answered(reply []byte) []byte {
	if j.bad == nil && parseStatus(reply) != nil {
		j.bad = reply
	}
	if j.left--; j.left > 0 {
		return nil
	}
	if j.bad != nil {
		reply = j.bad
	}
	packet := requestPacket(reply[0], j.id, reply[5:])
	keepText(packet)
	return packet
}

// sendParts sends a whole packet, a WRITE that carries more than it may in several. The caller holds sending, and one
// turn for the packet.
func (m *mux) sendParts(packet []byte) error {
	most := int(m.split.Load())
	handle, offset, data, ok := parseWrite(packet)
	if most == 0 || !ok || len(data) <= most {
		_, err := m.out.Write(packet)
		return err
	}
	join := &joined{id: binary.BigEndian.Uint32(packet[5:]), left: (len(data) + most - 1) / most}
	for first := true; len(data) > 0; first = false {
		if !first {
			if err := m.flying.take(1, m.closed); err != nil {
				return errGone
			}
		}
		part := data[:min(most, len(data))]
		body := binary.BigEndian.AppendUint64(appendString(nil, handle), offset)
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(part))), part...)
		m.mu.Lock()
		id := m.newID()
		m.joining[id] = join
		m.mu.Unlock()
		if _, err := m.out.Write(requestPacket(packetWrite, id, body)); err != nil {
			return fmt.Errorf("send part: %w", err)
		}
		offset += uint64(len(part))
		data = data[len(part):]
	}
	return nil
}

// parseWrite takes a WRITE apart; false where it is none.
func parseWrite(packet []byte) (handle string, offset uint64, data []byte, ok bool) {
	if len(packet) < 9 || packet[4] != packetWrite {
		return "", 0, nil, false
	}
	handle, rest, err := readString(packet[9:])
	if err != nil || len(rest) < 12 || int64(binary.BigEndian.Uint32(rest[8:])) != int64(len(rest)-12) {
		return "", 0, nil, false
	}
	return handle, binary.BigEndian.Uint64(rest), rest[12:], true
}
