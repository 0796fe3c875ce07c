package sftptest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestCheckFile(t *testing.T) {
	s, c := hostile(t, ServerOptions{CheckFile: &CheckFile{Announce: []string{extCheckFile}}})
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

// askCheckFile asks for the SHA-256 of a whole file.
func askCheckFile(r raw, request, subject string) []byte {
	return r.extended(request, append(appendString(appendString(nil, subject), "sha256"), make([]byte, 20)...))
}

func TestCheckFileForms(t *testing.T) {
	content := random(1000)
	digest := sha256.Sum256(content)
	none := sha256.Sum256(nil)
	reply := func(digest []byte, words ...string) []byte {
		b := []byte{packetReply}
		for _, w := range words {
			b = appendString(b, w)
		}
		return append(b, digest...)
	}
	lie := bytes.Clone(digest[:])
	lie[31] ^= 0xff
	tests := map[string]struct {
		options         CheckFile
		faults          []Fault
		announced       []string
		byName, ofEmpty []byte // nil is a refusal
	}{
		"ProFTPD":   {CheckFile{}, nil, nil, reply(digest[:], "sha256"), nil},
		"the draft": {CheckFile{Draft: true, Empty: true}, nil, nil, reply(digest[:], "check-file", "sha256"), reply(none[:], "check-file", "sha256")},
		"announced": {CheckFile{Announce: []string{checkFileHandle, checkFileName}, NoName: true}, nil, []string{checkFileHandle, checkFileName}, nil, nil},
		"a lie":     {CheckFile{}, []Fault{WrongDigest("a", 0)}, nil, reply(lie, "sha256"), nil},
		"hidden":    {CheckFile{Announce: []string{extCheckFile}}, []Fault{NoExtension(extCheckFile)}, nil, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s, c := hostile(t, ServerOptions{CheckFile: &tt.options}, tt.faults...)
			mustPut(t, c, "/a", content)
			mustPut(t, c, "/empty", nil)
			r, all := rawSession(t, dial(t, s.Addr(), s.User, s.Key, s.Fingerprint()))
			var announced []string
			for _, e := range all {
				if strings.HasPrefix(e, extCheckFile) {
					announced = append(announced, e)
				}
			}
			if !slices.Equal(announced, tt.announced) {
				t.Errorf("announced: %q, want %q", announced, tt.announced)
			}
			for file, want := range map[string][]byte{"/a": tt.byName, "/empty": tt.ofEmpty} {
				got := askCheckFile(r, checkFileName, file)
				if want == nil && (got[0] != packetStatus || got[4] != 8) || want != nil && !bytes.Equal(got, want) {
					t.Errorf("%s: %x, want %x", file, got, want)
				}
			}
			if got := askCheckFile(r, checkFileHandle, "no such handle"); got[0] != packetStatus {
				t.Errorf("an unknown handle: %x", got)
			}
		})
	}
}
