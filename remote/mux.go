package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Packet types of SFTP version 3, draft-ietf-secsh-filexfer-02 section 3.
const (
	packetVersion  = 2
	packetStatus   = 101
	packetExtended = 200
	packetReply    = 201
)

// firstOwnID parts the request ids: pkg/sftp counts up from 1, ours start here. A session would need two thousand
// million requests for the two to meet.
const firstOwnID = 1 << 31

// maxReply bounds a packet from the server. OpenSSH uses the same figure, SFTP_MAX_MSG_LENGTH.
const maxReply = 256 << 10

// mux stands between an SFTP channel and pkg/sftp, which has no way to send extended requests of its own and no
// way to learn the server's limits before its packet size is fixed. The mux makes the version exchange itself, asks for
// limits@openssh.com, plays the server's VERSION back to pkg/sftp, and from then on passes packets through, mixing
// in requests of ours whose replies it keeps.
type mux struct {
	in         io.Reader
	out        io.WriteCloser
	version    []byte // the server's VERSION packet, for pkg/sftp
	extensions map[string]string

	// Held over a whole packet: pkg/sftp writes head and payload apart. unsent is what is missing of its packet.
	sending sync.Mutex
	unsent  int
	started bool // pkg/sftp's own INIT has been swallowed

	unread bytes.Buffer // for pkg/sftp; only its one reading goroutine touches it

	mu      sync.Mutex
	waiting map[uint32]chan<- []byte
	nextID  uint32
	closed  chan struct{} // the reading side has ended
	ended   atomic.Bool
}

// errShell is for a server whose login shell prints text into the SFTP channel.
var errShell = errors.New("this is not SFTP: the account's login shell seems to print text")

// newMux makes the version exchange. Its reads are bounded by the caller's hold on the connection.
func newMux(in io.Reader, out io.WriteCloser) (*mux, error) {
	m := &mux{
		in: in, out: out, extensions: map[string]string{}, waiting: map[uint32]chan<- []byte{}, nextID: firstOwnID,
		closed: make(chan struct{}),
	}
	if _, err := out.Write([]byte{0, 0, 0, 5, 1, 0, 0, 0, 3}); err != nil { // INIT, version 3
		return nil, fmt.Errorf("start SFTP: %w", err)
	}
	packet, err := m.readPacket()
	if err != nil {
		return nil, fmt.Errorf("start SFTP: %w", err)
	}
	if packet[4] != packetVersion || len(packet) < 9 {
		return nil, fmt.Errorf("start SFTP: %w", errShell)
	}
	m.version = packet
	for rest := packet[9:]; len(rest) > 0; {
		var name, data string
		if name, rest, err = readString(rest); err != nil {
			break // what follows is not a list of extensions: do without
		}
		if data, rest, err = readString(rest); err != nil {
			break
		}
		m.extensions[name] = data
	}
	m.unread.Write(packet)
	return m, nil
}

// readPacket reads one whole packet, its length first.
func (m *mux) readPacket() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(m.in, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 5 || n > maxReply {
		return nil, fmt.Errorf("packet of %d bytes: %w", n, errShell)
	}
	packet := make([]byte, 4+n)
	copy(packet, head[:])
	if _, err := io.ReadFull(m.in, packet[4:]); err != nil {
		return nil, fmt.Errorf("packet cut short: %w", err)
	}
	return packet, nil
}

// Read gives pkg/sftp its packets and keeps ours.
func (m *mux) Read(b []byte) (int, error) {
	for m.unread.Len() == 0 {
		packet, err := m.readPacket()
		if err != nil {
			if m.ended.CompareAndSwap(false, true) {
				close(m.closed)
			}
			return 0, err
		}
		if id := binary.BigEndian.Uint32(packet[5:]); packet[4] != packetVersion && id >= firstOwnID {
			m.deliver(id, packet[4:])
			continue
		}
		m.unread.Write(packet)
	}
	return m.unread.Read(b)
}

func (m *mux) deliver(id uint32, reply []byte) {
	m.mu.Lock()
	waiting := m.waiting[id]
	delete(m.waiting, id)
	m.mu.Unlock()
	if waiting != nil {
		waiting <- reply
	}
}

// Write takes pkg/sftp's packets, each in one or more pieces with the length in the first. pkg/sftp holds a mutex over a
// packet, so pieces of two packets never mix here.
func (m *mux) Write(b []byte) (int, error) {
	if !m.started { // its INIT, which is one piece: the exchange has been made
		m.started = true
		return len(b), nil
	}
	if m.unsent == 0 {
		m.sending.Lock()
		m.unsent = 4 + int(binary.BigEndian.Uint32(b))
	}
	n, err := m.out.Write(b)
	m.unsent -= len(b)
	if m.unsent <= 0 || err != nil {
		m.unsent = 0
		m.sending.Unlock()
	}
	return n, err
}

// Close ends the sending side of the channel.
func (m *mux) Close() error { return m.out.Close() }

// errGone is what waits for a reply when the channel ends.
var errGone = errors.New("connection lost")

// extended sends an extended request and returns its reply from the packet type on. It needs pkg/sftp's client to be
// reading. The end of ctx leaves the request unanswered; its late reply is dropped.
func (m *mux) extended(ctx context.Context, name string, payload []byte) ([]byte, error) {
	reply := make(chan []byte, 1)
	m.mu.Lock()
	id := m.nextID
	m.nextID++
	m.waiting[id] = reply
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.waiting, id)
		m.mu.Unlock()
	}()
	packet := extendedPacket(id, name, payload)
	m.sending.Lock()
	_, err := m.out.Write(packet)
	m.sending.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case r := <-reply:
		return r, nil
	case <-m.closed:
		return nil, errGone
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func extendedPacket(id uint32, name string, payload []byte) []byte {
	n := 1 + 4 + 4 + len(name) + len(payload)
	packet := make([]byte, 0, 4+n)
	packet = binary.BigEndian.AppendUint32(packet, uint32(n))
	packet = append(packet, packetExtended)
	packet = binary.BigEndian.AppendUint32(packet, id)
	packet = binary.BigEndian.AppendUint32(packet, uint32(len(name)))
	packet = append(packet, name...)
	return append(packet, payload...)
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
