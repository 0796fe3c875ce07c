package sftptest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"sync"
)

// Packet types of SFTP version 3, draft-ietf-secsh-filexfer-02 section 3.
const (
	packetInit     = 1
	packetVersion  = 2
	packetOpen     = 3
	packetClose    = 4
	packetWrite    = 6
	packetLstat    = 7
	packetStatus   = 101
	packetHandle   = 102
	packetExtended = 200
	packetReply    = 201
)

// Extensions that a Server may have.
const (
	extPosixRename  = "posix-rename@openssh.com"
	extStatVFS      = "statvfs@openssh.com"
	extHardlink     = "hardlink@openssh.com"
	extFsync        = "fsync@openssh.com"
	extLimits       = "limits@openssh.com"
	extCheckFile    = "check-file" // asked for as check-file-name and check-file-handle
	checkFileName   = extCheckFile + "-name"
	checkFileHandle = extCheckFile + "-handle"
)

// maxPacket is the longest packet that pkg/sftp and OpenSSH take.
const maxPacket = 256 << 10

var errBadPacket = errors.New("malformed SFTP packet")

// exchange stands between an SFTP channel and pkg/sftp's request server. It sees whole packets, and so does what the
// request server cannot: announce extensions per server rather than per process, answer those that pkg/sftp does not
// know, and judge the size of packets.
type exchange struct {
	io.ReadWriteCloser // the channel
	view               *view
	end                context.CancelFunc // of the session
	extensions         []extension

	unread []byte // of a packet for the request server; only its reading goroutine touches it
	reply  []byte // of a packet from the request server; only its sending goroutine touches it
	held   []byte // a reply that waits for another to be mixed with; likewise

	sending sync.Mutex // held over a whole packet to the client

	mu      sync.Mutex
	opening map[uint32]string // request id of an OPEN to its path
	handles map[string]string // handle to path
	lstats  map[uint32]bool   // LSTATs under way whose replies may be mixed
	writes  map[uint32]string // WRITEs under way: request id to handle
	pending int               // requests that the request server has not answered
	idle    chan struct{}     // closed when pending falls to nothing; nil unless somebody waits
}

// extension is one line of the VERSION packet, and the answer to its requests where pkg/sftp has none.
type extension struct {
	name, data string
	silent     bool // not announced
	answer     func(x *exchange, id uint32, name string, rest []byte) error
}

// Read hands the client's packets on, but for those that are answered here.
func (x *exchange) Read(p []byte) (int, error) {
	for len(x.unread) == 0 {
		packet, err := readPacket(x.ReadWriteCloser)
		if err == nil {
			err = x.look(packet)
		}
		if err != nil {
			x.end()
			return 0, err
		}
	}
	n := copy(p, x.unread)
	x.unread = x.unread[n:]
	return n, nil
}

// readPacket reads one packet with its length in front.
func readPacket(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 5 || n > maxPacket {
		return nil, fmt.Errorf("packet of %d bytes: %w", n, errBadPacket)
	}
	packet := make([]byte, 4+n)
	copy(packet, head[:])
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}

// look decides what becomes of a packet from the client.
func (x *exchange) look(packet []byte) error {
	typ, id, body := packet[4], binary.BigEndian.Uint32(packet[5:]), packet[9:]
	if typ == packetInit {
		x.unread = packet
		return nil
	}
	if typ == packetExtended {
		name, rest, err := readString(body)
		if err != nil {
			return err
		}
		e, ok := x.has(name)
		if !ok {
			return x.refuse(id, Unsupported)
		}
		if e.answer != nil {
			return e.answer(x, id, name, rest)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch typ {
	case packetOpen, packetClose, packetWrite:
		name, rest, err := readString(body)
		if err != nil {
			return err
		}
		switch typ {
		case packetOpen:
			x.opening[id] = path.Clean("/" + name)
		case packetClose:
			delete(x.handles, name)
		case packetWrite:
			limit, ok := x.view.faults.standing(maxWrite, x.handles[name])
			if ok && int64(len(rest))-12 > limit.bytes { // offset and length come before the data
				x.view.cut()
				return fmt.Errorf("write of %d bytes: %w", len(rest)-12, errBadPacket)
			}
			if _, ok := x.view.faults.standing(writesInTurn, x.handles[name]); ok {
				for _, under := range x.writes {
					if under == name {
						return x.refuse(id, Failure)
					}
				}
				x.writes[id] = name
			}
		}
	}
	x.pending++
	if limit, ok := x.view.faults.standing(maxInFlight, "/"); ok && int64(x.pending) > limit.bytes {
		x.view.cut()
		return fmt.Errorf("%d requests under way: %w", x.pending, errBadPacket)
	}
	if _, mixed := x.view.faults.standing(mixReplies, "/"); mixed && typ == packetLstat {
		x.lstats[id] = true
	}
	x.unread = packet
	return nil
}

// Write hands the request server's packets on, whole, and puts this server's own VERSION in the place of pkg/sftp's.
func (x *exchange) Write(p []byte) (int, error) {
	x.reply = append(x.reply, p...)
	for len(x.reply) >= 9 {
		n := 4 + int(binary.BigEndian.Uint32(x.reply))
		if len(x.reply) < n {
			break
		}
		packet := x.reply[:n]
		if packet[4] == packetVersion {
			packet = x.version()
		} else if err := x.answered(packet); err != nil {
			return 0, err
		}
		for _, packet := range x.mix(packet) {
			if err := x.send(packet); err != nil {
				return 0, err
			}
		}
		x.reply = append(x.reply[:0], x.reply[n:]...)
	}
	return len(p), nil
}

// answered keeps the books of a reply.
func (x *exchange) answered(packet []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	id := binary.BigEndian.Uint32(packet[5:])
	if name, ok := x.opening[id]; ok {
		delete(x.opening, id)
		if packet[4] == packetHandle {
			handle, _, err := readString(packet[9:])
			if err != nil {
				return err
			}
			x.handles[handle] = name
		}
	}
	delete(x.writes, id)
	if x.pending--; x.pending == 0 && x.idle != nil {
		close(x.idle)
		x.idle = nil
	}
	return nil
}

// mix returns what is sent for a reply: itself, but for LSTATs that are under way together and are to be mixed. The first
// of two is held until the second is there, and then they change places.
func (x *exchange) mix(packet []byte) [][]byte {
	x.mu.Lock()
	defer x.mu.Unlock()
	id := packet[5:9]
	if !x.lstats[binary.BigEndian.Uint32(id)] {
		return [][]byte{packet}
	}
	delete(x.lstats, binary.BigEndian.Uint32(id))
	if x.held == nil {
		if len(x.lstats) == 0 {
			return [][]byte{packet}
		}
		x.held = bytes.Clone(packet)
		return nil
	}
	held := x.held
	x.held = nil
	other := binary.BigEndian.Uint32(held[5:])
	copy(held[5:9], id)
	binary.BigEndian.PutUint32(id, other)
	return [][]byte{packet, held}
}

// settle waits until the request server has answered all that came before, as a server that works in order would.
func (x *exchange) settle() {
	x.mu.Lock()
	idle := x.idle
	if x.pending > 0 && idle == nil {
		idle = make(chan struct{})
		x.idle = idle
	}
	busy := x.pending > 0
	x.mu.Unlock()
	if busy {
		select {
		case <-idle:
		case <-x.view.ctx.Done():
		}
	}
}

// opened returns the path that a handle was opened with.
func (x *exchange) opened(handle string) (string, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	name, ok := x.handles[handle]
	return name, ok
}

// send writes one packet to the client.
func (x *exchange) send(packet []byte) error {
	x.sending.Lock()
	defer x.sending.Unlock()
	_, err := x.ReadWriteCloser.Write(packet)
	return err
}

func readString(b []byte) (s string, rest []byte, err error) {
	if len(b) < 4 {
		return "", nil, errBadPacket
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return "", nil, errBadPacket
	}
	return string(b[4 : 4+n]), b[4+n:], nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
