package remote

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/dropferry/dropferry/internal/sftptest"
)

// writePacket is a WRITE as pkg/sftp sends it.
func writePacket(id uint32, handle string, offset uint64, data []byte) []byte {
	body := binary.BigEndian.AppendUint64(appendString(nil, handle), offset)
	return requestPacket(packetWrite, id, append(binary.BigEndian.AppendUint32(body, uint32(len(data))), data...))
}

// splitting is a mux that splits at most bytes, whose version exchange is made.
func splitting(out io.Writer, most int64) *mux {
	m := &mux{
		out: out, waiting: map[uint32]chan<- []byte{}, joining: map[uint32]*joined{}, nextID: firstOwnID,
		started: true, closed: make(chan struct{}),
	}
	m.split.Store(most)
	return m
}

func TestLargeWritesGoInParts(t *testing.T) {
	t.Parallel()
	content := random(1001)
	for _, piece := range []int{1, 13, 5000} {
		var sent stream
		m := splitting(&sent, 100)
		remove := requestPacket(packetRemove, 2, appendString(nil, "/a"))
		small := writePacket(3, "h", 7, content[:100])
		large := writePacket(4, "h", 1<<33, content)
		for rest := bytes.Join([][]byte{remove, small, large, remove}, nil); len(rest) > 0; {
			n := min(piece, len(rest))
			if written, err := m.Write(rest[:n]); err != nil || written != n {
				t.Fatal(written, err)
			}
			rest = rest[n:]
		}
		r := bytes.NewReader(sent.all)
		if got := request(r); !bytes.Equal(got, remove[4:]) {
			t.Errorf("a REMOVE became %x", got)
		}
		if got := request(r); !bytes.Equal(got, small[4:]) {
			t.Errorf("a small WRITE became %x", got)
		}
		for at := 0; at < len(content); at += 100 {
			packet := append([]byte{0, 0, 0, 0}, request(r)...)
			handle, offset, data, ok := parseWrite(packet)
			if !ok || handle != "h" || offset != 1<<33+uint64(at) || !bytes.Equal(data, content[at:min(at+100, len(content))]) {
				t.Fatalf("the part at %d is of %q at %d, %d bytes, %v", at, handle, offset, len(data), ok)
			}
			if id := binary.BigEndian.Uint32(packet[5:]); m.joining[id] == nil {
				t.Errorf("the part at %d has id %d, which nobody waits for", at, id)
			}
		}
		if got := request(r); !bytes.Equal(got, remove[4:]) || r.Len() > 0 {
			t.Errorf("at the end %x and %d bytes more", got, r.Len())
		}
	}
}

// The parts of a WRITE have one reply: the first that is no success, or the last.
func TestRepliesOfPartsAreJoined(t *testing.T) {
	t.Parallel()
	status := func(id, code uint32) []byte {
		return requestPacket(packetStatus, id, appendString(appendString(binary.BigEndian.AppendUint32(nil, code), "text"), ""))[4:]
	}
	for name, test := range map[string]struct {
		codes []uint32 // in the order of their coming
		want  uint32
	}{
		"all well":         {[]uint32{0, 0, 0}, 0},
		"one refused":      {[]uint32{0, 4, 0}, 4},
		"the last refused": {[]uint32{0, 0, 14}, 14},
		"two":              {[]uint32{15, 4, 0}, 15},
		"with text":        {[]uint32{0, 3, 0}, 3 + withText},
	} {
		m := splitting(io.Discard, 10)
		if _, err := m.Write(writePacket(77, "h", 0, random(25))); err != nil {
			t.Fatal(err)
		}
		for i, code := range test.codes {
			if m.unread.Len() > 0 {
				t.Errorf("%s: a reply before all are there", name)
			}
			if !m.deliver(status(firstOwnID+uint32(2-i), code)) {
				t.Errorf("%s: the reply to a part is passed on", name)
			}
		}
		got := m.unread.Bytes()
		if len(got) < 13 || binary.BigEndian.Uint32(got[5:]) != 77 || binary.BigEndian.Uint32(got[9:]) != test.want ||
			int(binary.BigEndian.Uint32(got)) != len(got)-4 {
			t.Errorf("%s: the reply is %x, want status %d for 77", name, got, test.want)
		}
		if len(m.joining) > 0 || m.flying.taken > 0 {
			t.Errorf("%s: %d parts and %d requests are still waited for", name, len(m.joining), m.flying.taken)
		}
	}
}

func TestSplitUploads(t *testing.T) {
	t.Parallel()
	limits := &sftptest.Limits{Packet: 262144, Read: 261120, Write: 261120}
	server := sftptest.StartServer(t, sftptest.ServerOptions{Limits: limits}, sftptest.MaxWrite(safeWrite))
	s := mustDial(t, serverTarget(server))
	for _, inFlight := range []int{0, 1, 3} {
		s.Use(Capabilities{LargeCuts: 1, LargeCutAt: time.Now(), InFlight: inFlight})
		for _, size := range []int{0, 1, safeWrite, safeWrite + 1, 261120, 261121, 3_000_001} {
			content := random(size)
			mustUpload(t, s, "/a.part", content)
			holds(t, content, server.Dir, "a.part")
		}
	}
	server.Faults.Add(sftptest.Refuse(sftptest.OpWrite, sftptest.PermissionDenied).Skip(20).Once())
	wantError(t, upload(t, s, "/a.part", random(3_000_000)), Permission, "put acme:/a.part: permission denied")
	mustUpload(t, s, "/a.part", random(3_000_000))
}

func FuzzWriteParts(f *testing.F) {
	f.Add(writePacket(1, "handle", 0, []byte("content")), uint16(3))
	f.Add(requestPacket(packetWrite, 1, []byte{0, 0, 0, 9}), uint16(1))
	f.Add([]byte{0, 0, 0, 5, packetWrite, 0, 0, 0, 1}, uint16(1))
	f.Fuzz(func(t *testing.T, packet []byte, most uint16) {
		var sent stream
		m := splitting(&sent, int64(most))
		if err := m.sendParts(packet); err != nil && !errors.Is(err, errGone) {
			t.Fatal(err)
		}
		handle, offset, data, ok := parseWrite(packet)
		if !ok || most == 0 || len(data) <= int(most) {
			if !bytes.Equal(sent.all, packet) {
				t.Errorf("%x became %x", packet, sent.all)
			}
			return
		}
		var joined []byte
		for r := bytes.NewReader(sent.all); r.Len() > 0; {
			h, at, part, ok := parseWrite(append([]byte{0, 0, 0, 0}, request(r)...))
			if !ok || h != handle || at != offset+uint64(len(joined)) || len(part) == 0 || len(part) > int(most) {
				t.Fatalf("a part of %q at %d with %d bytes, %v", h, at, len(part), ok)
			}
			joined = append(joined, part...)
		}
		if !bytes.Equal(joined, data) {
			t.Errorf("%x became %x", data, joined)
		}
	})
}
