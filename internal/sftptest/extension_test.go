package sftptest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"slices"
	"testing"
)

func TestAnnouncedExtensions(t *testing.T) {
	tests := []struct {
		name    string
		options ServerOptions
		faults  []Fault
		want    []string
	}{
		{"plain", ServerOptions{}, nil, []string{extFsync, extHardlink, extPosixRename, extStatVFS}},
		{
			"all",
			ServerOptions{Limits: &Limits{}, CheckFile: true},
			nil,
			[]string{extCheckFile, extFsync, extHardlink, extLimits, extPosixRename, extStatVFS},
		},
		{"none", ServerOptions{}, []Fault{NoPosixRename(), NoFsync(), NoStatVFS(), NoExtension(extHardlink)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := StartServer(t, tt.options, tt.faults...)
			_, got := rawSession(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestHiddenExtensionIsUnsupported(t *testing.T) {
	s, c := hostile(t, ServerOptions{}, NoPosixRename(), NoFsync(), NoStatVFS())
	mustPut(t, c, "/a", nil)
	wantCode(t, c.PosixRename("/a", "/b"), 8)
	if _, err := c.StatVFS("/"); err == nil {
		t.Error("statvfs works")
	}
	r, _ := rawSession(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
	if got := r.extended(extFsync, appendString(nil, "1")); got[0] != packetStatus || got[4] != 8 {
		t.Errorf("fsync: %v", got)
	}
	if got := r.extended("unheard-of@example.com", nil); got[0] != packetStatus || got[4] != 8 {
		t.Errorf("an unknown request: %v", got)
	}
}

func TestMalformedPacketsEndTheSession(t *testing.T) {
	tests := map[string][]byte{
		"no length":            {0, 0, 0, 0},
		"too long":             {0, 4, 0, 1, packetWrite},
		"too short for an id":  {0, 0, 0, 3, packetWrite, 0, 0},
		"name beyond the end":  {0, 0, 0, 9, packetOpen, 0, 0, 0, 1, 0, 0, 0, 5},
		"extended, no name":    {0, 0, 0, 5, packetExtended, 0, 0, 0, 1},
		"unknown type":         {0, 0, 0, 5, 99, 0, 0, 0, 1},
		"check-file cut short": withLength(appendString([]byte{0, 0, 0, 0, packetExtended, 0, 0, 0, 1}, "check-file-name")),
	}
	s := StartServer(t, ServerOptions{CheckFile: true})
	client := dial(t, s.Addr(), s.User, s.Key, s.Fingerprint())
	for name, packet := range tests {
		t.Run(name, func(t *testing.T) {
			r, _ := rawSession(t, client)
			if _, err := r.Write(packet); err != nil {
				t.Fatal(err)
			}
			ended := async(func() error { _, err := io.Copy(io.Discard, r); return err })
			if err := soon(t, "the end of the session", ended); err != nil {
				t.Errorf("the session ended with %v", err)
			}
		})
	}
	session(t, client) // the connection goes on
}

func TestLimits(t *testing.T) {
	s := StartServer(t, ServerOptions{Limits: &Limits{Packet: 262144, Read: 261120, Write: 65536, Handles: 7}})
	r, _ := rawSession(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
	got := r.extended(extLimits, nil)
	if got[0] != packetReply || len(got) != 33 {
		t.Fatalf("%v", got)
	}
	for i, want := range []uint64{262144, 261120, 65536, 7} {
		if n := binary.BigEndian.Uint64(got[1+8*i:]); n != want {
			t.Errorf("limit %d is %d, want %d", i, n, want)
		}
	}
}

func TestCheckFile(t *testing.T) {
	s, c := hostile(t, ServerOptions{CheckFile: true})
	content := random(1000)
	mustPut(t, c, "/dir-a", content)
	mustPut(t, c, "/empty", nil)
	r, _ := rawSession(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
	ask := func(name, hashes string, offset, length uint64, block uint32) []byte {
		b := appendString(appendString(nil, name), hashes)
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, offset), length)
		return r.extended("check-file-name", binary.BigEndian.AppendUint32(b, block))
	}
	sum := func(parts ...[]byte) (all []byte) {
		all = appendString([]byte{packetReply}, "sha256")
		for _, p := range parts {
			h := sha256.Sum256(p)
			all = append(all, h[:]...)
		}
		return all
	}
	tests := []struct {
		name           string
		file, hashes   string
		offset, length uint64
		block          uint32
		want           []byte // nil is a refusal
	}{
		{"whole", "/dir-a", "blake3,sha256,md5", 0, 0, 0, sum(content)},
		{"relative path", "dir-a", "sha256", 0, 0, 0, sum(content)},
		{"range", "/dir-a", "sha256", 100, 300, 0, sum(content[100:400])},
		{"blocks", "/dir-a", "sha256", 0, 0, 400, sum(content[:400], content[400:800], content[800:])},
		{"no common hash", "/dir-a", "blake3", 0, 0, 0, nil},
		{"block too small", "/dir-a", "sha256", 0, 0, 255, nil},
		{"beyond the end", "/dir-a", "sha256", 1000, 0, 0, nil},
		{"empty file, as at ProFTPD", "/empty", "sha256", 0, 0, 0, nil},
		{"missing file", "/none", "sha256", 0, 0, 0, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ask(tt.file, tt.hashes, tt.offset, tt.length, tt.block)
			if tt.want == nil {
				if got[0] != packetStatus || binary.BigEndian.Uint32(got[1:]) == 0 {
					t.Errorf("%v, want a refusal", got)
				}
				return
			}
			if !bytes.Equal(got, tt.want) {
				t.Errorf("%x, want %x", got, tt.want)
			}
		})
	}
	t.Run("by handle", func(t *testing.T) {
		open := appendString([]byte{0, 0, 0, 0, packetOpen, 0, 0, 0, 9}, "/dir-a")
		open = append(open, 0, 0, 0, 1, 0, 0, 0, 0) // READ, no attributes
		if _, err := r.Write(withLength(open)); err != nil {
			t.Fatal(err)
		}
		reply := r.receive()
		if reply[4] != packetHandle {
			t.Fatalf("%v", reply)
		}
		body := append(reply[9:len(reply):len(reply)], appendString(nil, "sha256")...)
		body = append(body, make([]byte, 20)...)
		if got := r.extended("check-file-handle", body); !bytes.Equal(got, sum(content)) {
			t.Errorf("%x", got)
		}
	})
	if got := s.Faults.Calls(OpCheckFile); got != len(tests)+1 {
		t.Errorf("%d calls", got)
	}
}
