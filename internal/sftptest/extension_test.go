package sftptest

import (
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
			ServerOptions{Limits: &Limits{}, CheckFile: &CheckFile{Announce: []string{extCheckFile}}},
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
	s := StartServer(t, ServerOptions{CheckFile: &CheckFile{Announce: []string{extCheckFile}}})
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
