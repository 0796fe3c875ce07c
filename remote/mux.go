package remote

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
)

// firstOwnID is where the ids of our own requests begin: pkg/sftp counts up from 1. Should a long session's count reach
// this far, a reply is ours only while one of ours waits under its id.
const firstOwnID = 1 << 31

// mux stands between an SFTP channel and pkg/sftp, which cannot send requests of other kinds than its own and does not
// learn the server's limits before its packet size is fixed. The mux makes the version exchange itself, asks for
// limits@openssh.com, plays the server's VERSION back to pkg/sftp, and from then on passes packets through, mixing
// in requests of ours whose replies it keeps.
type mux struct {
	in         *bufio.Reader
	out        io.Writer
	extensions map[string]string // as the server announced them
	heard      *clock            // when a whole packet last came in

	sending sync.Mutex // held over a whole packet
	batches batches    // of what we write
	framing framing    // of what pkg/sftp writes
	started bool       // pkg/sftp's own INIT has been swallowed

	unread bytes.Buffer // for pkg/sftp; only its one reading goroutine touches it

	flying   turns        // requests under way
	sent     atomic.Int64 // requests written; grows with sending held
	answered atomic.Int64 // replies received

	mu      sync.Mutex
	waiting map[uint32]func(reply []byte) // nil: given up, so that the reply is nobody's
	nextID  uint32

	end    sync.Once
	closed chan struct{} // the channel has ended, or pkg/sftp has given up on it
	broken error         // what was read that is not SFTP; set before closed is closed
}

var (
	// errNotSFTP is for a server that answers something else.
	errNotSFTP = errors.New("the server's answer is not SFTP")
	// errShell is for a server whose login shell prints text into the SFTP channel.
	errShell = errors.New("the account's login shell seems to print text")
	// errGone is what waits for a reply when the channel ends.
	errGone = errors.New("connection lost")
)

// newMux makes the version exchange. Its reads are bounded by the caller's hold on the connection.
func newMux(in io.Reader, out io.Writer) (*mux, error) {
	m := &mux{
		in: bufio.NewReaderSize(in, 32<<10), out: out, heard: newClock(),
		waiting: map[uint32]func([]byte){}, nextID: firstOwnID, closed: make(chan struct{}),
	}
	_, sendErr := out.Write([]byte{0, 0, 0, 5, packetInit, 0, 0, 0, protocolVersion})
	packet, err := m.readPacket() // of a channel that is closed already too: it may hold why
	if err == nil {
		err = sendErr
	}
	if err != nil {
		return nil, m.blameShell(packet, err)
	}
	if packet[4] != packetVersion {
		return nil, errNotSFTP
	}
	if version := binary.BigEndian.Uint32(packet[5:]); version != protocolVersion {
		return nil, fmt.Errorf("the server speaks version %d of SFTP, not %d", version, protocolVersion)
	}
	m.extensions = parseExtensions(packet[9:])
	m.unread.Write(versionPacket(m.extensions)) // without what pkg/sftp would stumble over
	return m, nil
}

// blameShell words the failure of a version exchange where text came in the place of a packet. head is its beginning;
// what came with it tells more.
func (m *mux) blameShell(head []byte, err error) error {
	if !errors.Is(err, errNotSFTP) {
		return err
	}
	more, _ := m.in.Peek(m.in.Buffered()) // what is there already
	line, _, _ := strings.Cut(strings.TrimSpace(string(head)+string(more)), "\n")
	if line == "" || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) && r != '\x1b' }) {
		return err
	}
	return fmt.Errorf("%w, but %q: %w", errNotSFTP, shorten(strings.TrimSpace(line)), errShell)
}

// readPacket reads one whole packet, its length first. With an error it returns what it has of the length.
func (m *mux) readPacket() ([]byte, error) {
	var head [4]byte
	if n, err := io.ReadFull(m.in, head[:]); err != nil {
		return head[:n], err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 5 || n > maxReply {
		return head[:], errNotSFTP
	}
	packet := make([]byte, 4+n)
	copy(packet, head[:])
	if _, err := io.ReadFull(m.in, packet[4:]); err != nil {
		return nil, fmt.Errorf("packet cut short: %w", err)
	}
	m.heard.touch()
	return packet, nil
}

// Read gives pkg/sftp its packets and keeps ours.
func (m *mux) Read(b []byte) (int, error) {
	for m.unread.Len() == 0 {
		packet, err := m.readPacket()
		if err != nil {
			m.finish(err)
			return 0, err
		}
		if !m.deliver(packet[4:]) {
			keepText(packet)
			m.unread.Write(packet)
		}
	}
	return m.unread.Read(b)
}

// deliver hands a reply over, from the packet type on, if it answers one of our requests.
func (m *mux) deliver(reply []byte) bool {
	m.answered.Add(1)
	id := binary.BigEndian.Uint32(reply[1:])
	m.mu.Lock()
	answer, ours := m.waiting[id]
	delete(m.waiting, id)
	m.mu.Unlock()
	if ours && answer == nil {
		return true
	}
	m.flying.give(1)
	if ours {
		answer(reply)
	}
	return ours
}

// Write takes pkg/sftp's packets in whatever pieces they come; it writes head and payload of a WRITE apart. pkg/sftp holds
// a mutex over a packet, so pieces of two packets never mix here.
func (m *mux) Write(b []byte) (int, error) {
	rest := b
	if !m.started { // its INIT: the exchange has been made
		rest = b[m.framing.take(b):]
		m.started = m.framing.between()
	}
	for len(rest) > 0 {
		if m.framing.between() {
			if err := m.flying.take(1, m.closed); err != nil {
				return 0, errGone
			}
			m.sending.Lock()
			m.sent.Add(1)
		}
		n := m.framing.take(rest)
		_, err := m.out.Write(rest[:n])
		if err != nil {
			m.framing = framing{} // whoever is next finds the channel broken by himself
		}
		if m.framing.between() {
			m.sending.Unlock()
		}
		if err != nil {
			return 0, err
		}
		rest = rest[n:]
	}
	return len(b), nil
}

// Close marks the channel as ended. pkg/sftp calls it when it stops reading, for whatever reason; the session closes
// the connection for it, so that nothing is to be closed here.
func (m *mux) Close() error {
	m.finish(nil)
	return nil
}

func (m *mux) finish(err error) {
	m.end.Do(func() {
		if errors.Is(err, errNotSFTP) {
			m.broken = err
		}
		close(m.closed)
	})
}

// call sends a request of ours and returns its reply from the packet type on. It needs pkg/sftp's client to be reading,
// and ends with the reply or with the channel.
func (m *mux) call(kind byte, body []byte) ([]byte, error) { return m.callUntil(nil, nil, kind, body) }

// errNoReply is for a request that was given up. Its reply may still come, and is dropped then.
var errNoReply = errors.New("the server does not answer")

// callUntil is a call that is given up when over receives, and whose rank at becomes; neither has to be there.
func (m *mux) callUntil(over <-chan time.Time, at *rank, kind byte, body []byte) ([]byte, error) {
	id, reply, err := m.send(at, kind, body)
	if err != nil {
		return nil, err
	}
	select {
	case r := <-reply:
		return r, nil
	case <-m.closed:
		return nil, errGone
	case <-over:
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, still := m.waiting[id]; still {
		m.waiting[id] = nil
		m.flying.give(1)
	}
	return nil, errNoReply
}

// send sends a request of ours. Its reply comes on the channel, unless the mux is closed before. at becomes its rank, unless that is nil.
func (m *mux) send(at *rank, kind byte, body []byte) (id uint32, reply <-chan []byte, err error) {
	r := make(chan []byte, 1)
	id, err = m.postRanked(at, requestPacket(kind, 0, body), func(reply []byte) { r <- reply })
	return id, r, err
}

// post sends a whole request of ours, its length first and its id left open. answer is given the reply, unless the mux is
// closed before; it is called by the goroutine that reads for all, and must not block. The packet is the caller's again.
func (m *mux) post(packet []byte, answer func(reply []byte)) (id uint32, err error) {
	return m.postRanked(nil, packet, answer)
}

// postRanked is post of a request whose rank at becomes, unless that is nil.
func (m *mux) postRanked(at *rank, packet []byte, answer func(reply []byte)) (id uint32, err error) {
	if err := m.flying.take(1, m.closed); err != nil {
		return 0, errGone
	}
	id = m.expect(packet, answer)
	return id, m.write(at, packet)
}

// postAll is post for several requests, which go out together, in their order.
func (m *mux) postAll(packets [][]byte, answer func(i int, reply []byte)) error {
	for i, packet := range packets {
		if err := m.flying.take(1, m.closed); err != nil {
			return errGone
		}
		m.expect(packet, func(reply []byte) { answer(i, reply) })
	}
	return m.write(nil, packets...)
}

// expect gives a request its id, under which the reply is waited for.
func (m *mux) expect(packet []byte, answer func(reply []byte)) (id uint32) {
	m.mu.Lock()
	id = m.nextID
	m.nextID = max(id+1, firstOwnID)
	m.waiting[id] = answer
	m.mu.Unlock()
	binary.BigEndian.PutUint32(packet[idAt:], id)
	return id
}
