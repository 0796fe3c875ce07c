package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strconv"
	"testing"
	"unicode/utf8"
)

// FuzzReplies feeds whatever a server may send to the version exchange and to what follows it: nothing panics, nothing
// hangs, and what pkg/sftp gets is whole packets.
func FuzzReplies(f *testing.F) {
	version := frame(append([]byte{packetVersion, 0, 0, 0, 3}, appendString(appendString(nil, extLimits), "1")...)...)
	limits := requestPacket(packetReply, firstOwnID-1, bytes.Repeat([]byte{0, 0, 0, 0, 0, 1, 0, 0}, 4))
	status := frame(append([]byte{packetStatus, 0, 0, 0, 1, 0, 0, 0, 2}, appendString(nil, "none")...)...)
	f.Add(version)
	f.Add(append(append(bytes.Clone(version), limits...), status...))
	f.Add(append(bytes.Clone(version), frame(packetStatus)...))
	for _, words := range [][]string{{"sha256"}, {"check-file", "sha256"}, {"sha256", "x"}, {}} {
		reply := []byte{}
		for _, word := range words {
			reply = appendString(reply, word)
		}
		reply = requestPacket(packetReply, firstOwnID, append(reply, bytes.Repeat([]byte{7}, 32)...))
		f.Add(append(append(bytes.Clone(version), limits...), reply...))
	}
	f.Add([]byte("Welcome to the server!\r\n"))
	f.Add([]byte{0, 0, 0, 5, packetVersion, 0, 0, 0, 2})
	f.Add([]byte{255, 255, 255, 255, packetVersion})
	f.Fuzz(func(t *testing.T, replies []byte) {
		m, err := newMux(bytes.NewReader(replies), io.Discard)
		if err != nil {
			if !utf8.ValidString(err.Error()) {
				t.Errorf("%q is no text", err)
			}
			return
		}
		if _, err := m.askLimits(); err != nil {
			return
		}
		ours := make(chan []byte, 1)
		m.waiting[firstOwnID] = func(reply []byte) { ours <- reply }
		passed, err := io.ReadAll(m)
		if err == nil && len(replies) > 0 && passed == nil {
			t.Error("nothing came through")
		}
		for rest := passed; len(rest) > 0; {
			if len(rest) < 9 || int64(binary.BigEndian.Uint32(rest)) > int64(len(rest)-4) {
				t.Fatalf("%x is no whole packet", rest)
			}
			rest = rest[4+binary.BigEndian.Uint32(rest):]
		}
		select {
		case <-m.closed:
		default:
			t.Error("the end is not noticed")
		}
		if len(ours) == 1 {
			reply := <-ours
			_ = parseStatus(reply)  // whatever it says
			_, _ = parseInfo(reply) // likewise
			if handle, err := parseHandle(reply); err == nil && len(handle) > longestHandle {
				t.Errorf("a handle of %d bytes", len(handle))
			}
			checkDigest(t, reply)
		}
	})
}

// checkDigest checks that a reply to check-file is a SHA-256 or nothing.
func checkDigest(t *testing.T, reply []byte) {
	t.Helper()
	sum, err := parseCheckFile(reply)
	switch {
	case err != nil && sum != nil, err == nil && len(sum) != sha256.Size:
		t.Errorf("%x has digest %x, %v", reply, sum, err)
	case err == nil && (reply[0] != packetReply || !bytes.HasSuffix(reply, sum) || !bytes.Contains(reply, []byte("sha256"))):
		t.Errorf("%x passes for a digest", reply)
	case err != nil && !utf8.ValidString(shorten(strconv.Quote(err.Error()))):
		t.Errorf("%q is no text", err)
	}
}

func FuzzCheckFile(f *testing.F) {
	sum := bytes.Repeat([]byte{7}, 32)
	f.Add(append(appendString([]byte{packetReply, 0, 0, 0, 1}, "sha256"), sum...))
	f.Add(append(appendString(appendString([]byte{packetReply, 0, 0, 0, 1}, "check-file"), "sha256"), sum...))
	f.Add(append(appendString([]byte{packetReply, 0, 0, 0, 1}, "md5"), sum[:16]...))
	f.Add([]byte{packetStatus, 0, 0, 0, 1, 0, 0, 0, 8})
	f.Add([]byte{packetReply, 0, 0, 0, 1, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, reply []byte) { checkDigest(t, reply) })
}

func FuzzLimits(f *testing.F) {
	f.Add([]byte{})
	f.Add(requestPacket(packetReply, 1, make([]byte, 32))[4:])
	f.Add(requestPacket(packetReply, 1, bytes.Repeat([]byte{255}, 32))[4:])
	f.Add(requestPacket(packetStatus, 1, []byte{0, 0, 0, 8})[4:])
	f.Fuzz(func(t *testing.T, reply []byte) {
		limits := parseLimits(reply)
		if n := limits.write(); n < leastWrite || n > maxWrite {
			t.Errorf("%+v makes WRITEs of %d bytes", limits, n)
		}
	})
}

func FuzzSums(f *testing.F) {
	digest := bytes.Repeat([]byte("0a"), 32)
	f.Add([]byte("text\n"))
	f.Add(append(bytes.Clone(digest), " *./name\n"...))
	f.Add(append(append([]byte(`\`), digest...), "  ./na\\nme\nmore"...))
	f.Fuzz(func(t *testing.T, out []byte) {
		sums := parseSums(out)
		if len(sums) > bytes.Count(out, []byte("\n"))+1 {
			t.Errorf("%d digests in %q", len(sums), out)
		}
		for _, sum := range sums {
			if len(sum) != 32 {
				t.Errorf("a digest of %d bytes", len(sum))
			}
		}
	})
}

func FuzzString(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 3, 'a', 'b', 'c', 'd'})
	f.Add([]byte{255, 255, 255, 255, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := readString(b)
		if err == nil && !bytes.Equal(append(appendString(nil, s), rest...), b) {
			t.Errorf("%q and %q are not %q", s, rest, b)
		}
		extensions := parseExtensions(b)
		again := parseExtensions(versionPacket(extensions)[9:])
		if len(again) != len(extensions) {
			t.Errorf("%q became %q", extensions, again)
		}
	})
}

// FuzzFraming cuts a stream of packets into pieces.
func FuzzFraming(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2}, uint8(3))
	f.Add([]byte{255, 255, 255, 255, 0}, uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, piece uint8) {
		var whole, cut framing
		var ends, cutEnds []int
		for at := 0; at < len(b); {
			n := whole.take(b[at:])
			if n <= 0 {
				t.Fatal("no progress")
			}
			if at += n; whole.between() {
				ends = append(ends, at)
			}
		}
		for at := 0; at < len(b); {
			next := min(len(b), at+int(piece)+1)
			for at < next {
				if at += cut.take(b[at:next]); cut.between() {
					cutEnds = append(cutEnds, at)
				}
			}
		}
		if len(ends) != len(cutEnds) {
			t.Errorf("packets end at %v whole and at %v in pieces", ends, cutEnds)
		}
	})
}
