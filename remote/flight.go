package remote

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// request is one of a flight: requests that go out one behind the other and cost one round trip together. A server works
// through the requests of one file in their order: draft-ietf-secsh-filexfer-02, section 6.1.
type request struct {
	op   string // for its error
	kind byte
	body []byte
	take func(reply []byte) error // of its reply, from the packet type on; nil where a STATUS is expected
	err  error                    // what became of it: an *Error

	packet   []byte // the whole, id left open, in place of kind and body
	answered bool
}

// fly makes the requests of a flight on one lane, about the file name. Those that work through a file of size bytes at the
// server say so by slow. It returns the first error in the order of the requests.
func (s *Session) fly(l *lane, name string, slow bool, size int64, requests ...*request) error {
	send := func() error { return s.sendAll(l, name, requests) }
	op := requests[0].op
	var err error
	if slow {
		err = s.doSlow(op, name, size, send)
	} else {
		err = s.do(op, name, send)
	}
	for _, r := range requests {
		if !r.answered {
			r.err = err
		}
		if r.err != nil {
			return r.err
		}
	}
	return err
}

// sendAll sends requests and takes the answers. Where the server bears only so many requests at once, they go
// out one by one, as answers make room.
func (s *Session) sendAll(l *lane, name string, requests []*request) error {
	packets := make([][]byte, len(requests))
	for i, r := range requests {
		r.err, r.answered = nil, false
		if packets[i] = r.packet; packets[i] == nil {
			packets[i] = requestPacket(r.kind, 0, r.body)
		}
	}
	type answer struct {
		at    int
		reply []byte
	}
	answers := make(chan answer, len(requests))
	take := func(i int, reply []byte) { answers <- answer{i, reply} }
	if l.mux.flying.bound() == 0 {
		if err := l.mux.postAll(packets, take); err != nil {
			return err
		}
	} else {
		for i, packet := range packets {
			if _, err := l.mux.post(packet, func(reply []byte) { take(i, reply) }); err != nil {
				return err
			}
		}
	}
	for range requests {
		select {
		case a := <-answers:
			requests[a.at].answer(s, name, a.reply)
		case <-l.mux.closed:
			return errGone
		}
	}
	return nil
}

func (r *request) answer(s *Session, name string, reply []byte) {
	take := r.take
	if take == nil {
		take = parseStatus
	}
	r.answered, r.err = true, s.wrap(r.op, name, take(reply))
}

func openRequest(op, name string, flags uint32, handle *string) *request {
	body := binary.BigEndian.AppendUint32(appendString(nil, name), flags)
	return &request{op: op, kind: packetOpen, body: binary.BigEndian.AppendUint32(body, 0), take: func(reply []byte) (err error) {
		*handle, err = parseHandle(reply)
		return err
	}}
}

// statRequest asks what stands at a name, or behind a handle: kind says which.
func statRequest(kind byte, subject string, info *Info) *request {
	return &request{op: "stat", kind: kind, body: appendString(nil, subject), take: func(reply []byte) (err error) {
		*info, err = parseInfo(reply)
		return err
	}}
}

// Flags of a file's attributes: draft-ietf-secsh-filexfer-02, section 5.
const (
	attrSize        = 1
	attrOwner       = 2
	attrPermissions = 4
	attrTimes       = 8
)

func timesRequest(handle string, at time.Time) *request {
	body := binary.BigEndian.AppendUint32(appendString(nil, handle), attrTimes)
	body = binary.BigEndian.AppendUint32(body, uint32(at.Unix()))
	return &request{op: "set time", kind: packetFsetstat, body: binary.BigEndian.AppendUint32(body, uint32(at.Unix()))}
}

func syncRequest(handle string) *request {
	return &request{op: "sync", kind: packetExtended, body: appendString(appendString(nil, extFsync), handle)}
}

func closeRequest(handle string) *request {
	return &request{op: "close", kind: packetClose, body: appendString(nil, handle)}
}

// parseHandle reads the reply to an OPEN.
func parseHandle(reply []byte) (string, error) {
	handle, err := parseString(packetHandle, reply)
	if err == nil && len(handle) > longestHandle {
		return "", errors.Join(errNotSFTP, fmt.Errorf("a handle of %d bytes", len(handle)))
	}
	return handle, err
}

// parseString reads a reply of a kind that is one string.
func parseString(kind byte, reply []byte) (string, error) {
	const head = 5 // type, id
	if len(reply) < head || reply[0] != kind {
		return "", unexpected(reply)
	}
	s, _, err := readString(reply[head:])
	if err != nil {
		return "", errors.Join(errNotSFTP, err)
	}
	return s, nil
}

// unexpected returns the error of a reply that is not of the kind that was asked for.
func unexpected(reply []byte) error {
	if err := parseStatus(reply); err != nil {
		return err
	}
	return errNotSFTP
}

// parseInfo reads the reply to an LSTAT or FSTAT. What the server does not tell is zero.
func parseInfo(reply []byte) (Info, error) {
	const head = 5 // type, id
	if len(reply) == 0 || reply[0] != packetAttrs {
		return Info{}, unexpected(reply)
	}
	if len(reply) < head+4 {
		return Info{}, errNotSFTP
	}
	flags, rest := binary.BigEndian.Uint32(reply[head:]), reply[head+4:]
	field := func(flag uint32, size int) []byte {
		if flags&flag == 0 || len(rest) < size {
			return nil
		}
		b := rest[:size]
		rest = rest[size:]
		return b
	}
	var info Info
	if b := field(attrSize, 8); b != nil {
		info.Size = int64(binary.BigEndian.Uint64(b))
	}
	field(attrOwner, 8)
	if b := field(attrPermissions, 4); b != nil {
		info.Mode = modeOf(binary.BigEndian.Uint32(b))
	}
	if b := field(attrTimes, 8); b != nil {
		info.ModTime = time.Unix(int64(binary.BigEndian.Uint32(b[4:])), 0)
	}
	return info, nil
}

// modeOf turns the mode of POSIX's stat, which the protocol uses, into the standard library's.
func modeOf(posix uint32) fs.FileMode {
	mode := fs.FileMode(posix & 0o777)
	switch posix & 0o170000 {
	case 0o040000:
		mode |= fs.ModeDir
	case 0o120000:
		mode |= fs.ModeSymlink
	case 0o060000:
		mode |= fs.ModeDevice
	case 0o020000:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	case 0o010000:
		mode |= fs.ModeNamedPipe
	case 0o140000:
		mode |= fs.ModeSocket
	}
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if posix&bit != 0 {
			mode |= flag
		}
	}
	return mode
}
