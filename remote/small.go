package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
)

// A hash command costs the server several processes, and takes longer than reading a small file again: on a short line a small
// file is read back in place of being hashed, and one that fits into a single answer is on any line, since that takes the same
// two round trips.
const (
	smallAnywhere = readChunk
	smallNearby   = 8 * readChunk // where the round trip is less than spareFrom
)

// isSmall tells whether reading a file back costs less than hashing it at the server.
func (s *Session) isSmall(size int64) bool {
	if size == 0 || s.small.Load() < size {
		return false
	}
	return size <= smallAnywhere || s.RoundTrip() < spareFrom
}

// verifySmall proves a small file by reading it back, which is the last word: it is done where it has read all of it. What it cannot show,
// for whatever reason, it leaves to others; so it does with everything else where the server does not let files be read. Its
// errors are those of the connection and of ctx, and of kind Integrity where the content is another.
func (s *Session) verifySmall(ctx context.Context, name string, size int64, sum []byte) (info Info, done bool, err error) {
	if err := ctx.Err(); err != nil {
		return info, false, err
	}
	if err := s.awaitRead(ctx, name, int(size)); err != nil {
		return info, false, err
	}
	if err := s.takeFiles(ctx, 1, "read", name); err != nil {
		return info, false, err
	}
	defer s.handles.give(1)
	var handle string
	look, open := statRequest(packetLstat, name, &info), openRequest("read", name, openRead, &handle)
	err = s.fly(&s.lane, name, false, 0, look, open)
	switch {
	case Transient.is(err):
		return info, false, err
	case open.err != nil:
		if refusal(open.err) {
			s.small.Store(0)
		}
		return info, false, nil
	}
	content := make([]byte, size)
	requests := append(readRequests(handle, content, parseData), closeRequest(handle))
	err = s.fly(&s.lane, name, false, 0, requests...)
	if Transient.is(err) {
		return info, false, err
	}
	if err != nil || look.err != nil || info.Size != size {
		return info, false, nil
	}
	if got := sha256.Sum256(content); !bytes.Equal(got[:], sum) {
		return info, true, s.mismatch(name, got[:], sum)
	}
	return info, true, nil
}

// readRequests ask for the beginning of a file that is as long as content, piece by piece. take is given each reply with its piece of
// that.
func readRequests(handle string, content []byte, take func(reply, piece []byte) error) []*request {
	var all []*request
	for at := 0; at < len(content); at += readChunk {
		piece := content[at:min(at+readChunk, len(content))]
		body := binary.BigEndian.AppendUint64(appendString(nil, handle), uint64(at))
		body = binary.BigEndian.AppendUint32(body, uint32(len(piece)))
		all = append(all, &request{op: "read", kind: packetRead, body: body, take: func(reply []byte) error { return take(reply, piece) }})
	}
	return all
}

// parseData reads the reply to a READ, which has to be as long as what was asked for.
func parseData(reply, into []byte) error {
	data, err := parseString(packetData, reply)
	if err != nil {
		return err
	}
	if len(data) != len(into) {
		return errShortFile
	}
	copy(into, data)
	return nil
}
