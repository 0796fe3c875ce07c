package sftptest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// CheckFile is how a Server hashes files for check-file requests, draft-ietf-secsh-filexfer-extensions-00 section 3. The
// zero value does as ProFTPD 1.3.8 does in version 3 of SFTP: nothing is announced, both forms are answered without the
// draft's first string, and an empty file is refused as UNSUPPORTED.
type CheckFile struct {
	Announce []string // extensions by which it is announced: check-file, or check-file-name and check-file-handle
	NoName   bool     // check-file-name is UNSUPPORTED
	NoHandle bool     // check-file-handle is UNSUPPORTED
	Draft    bool     // replies begin with "check-file", as the draft has it
	Empty    bool     // empty files are hashed
	Mute     bool     // requests are never answered, and all others are
}

// extensions returns what a server with c answers, nil for nil.
func (c *CheckFile) extensions() []extension {
	if c == nil {
		return nil
	}
	list := []extension{{name: extCheckFile}, {name: checkFileName}, {name: checkFileHandle}}
	for i := range list {
		e := &list[i]
		e.data, e.silent, e.answer = "1", !slices.Contains(c.Announce, e.name), c.refuse
		switch {
		case c.Mute:
			e.answer = func(*exchange, uint32, string, []byte) error { return nil }
		case e.name == checkFileName && !c.NoName, e.name == checkFileHandle && !c.NoHandle:
			e.answer = c.answer
		}
	}
	return list
}

func (c *CheckFile) refuse(x *exchange, id uint32, _ string, _ []byte) error {
	return x.refuse(id, Unsupported)
}

var checkFileHashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// answer hashes a file. Its request is a handle or name, a list of hash names, offset, length (0 is to the end) and block
// size (0 is one hash for all). As at ProFTPD, an offset at or beyond the end and a block of less than 256 bytes are
// refused.
func (c *CheckFile) answer(x *exchange, id uint32, request string, rest []byte) error {
	x.settle()
	name, rest, err := readString(rest)
	if err != nil {
		return err
	}
	hashes, rest, err := readString(rest)
	if err != nil || len(rest) < 20 {
		return errBadPacket
	}
	offset, length := int64(binary.BigEndian.Uint64(rest)), int64(binary.BigEndian.Uint64(rest[8:]))
	block := int64(binary.BigEndian.Uint32(rest[16:]))
	if handle := name; request == checkFileHandle {
		var ok bool
		if name, ok = x.opened(handle); !ok {
			return x.refuse(id, Failure)
		}
	}
	name = path.Clean("/" + name)
	var packet []byte
	err = x.view.do(OpCheckFile, name, "", func(m meeting) error {
		algorithm, newHash := chooseHash(hashes)
		if newHash == nil {
			return Unsupported
		}
		packet = binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetReply}, id)
		if c.Draft {
			packet = appendString(packet, extCheckFile)
		}
		packet = appendString(packet, algorithm)
		if packet, err = x.view.hash(packet, name, newHash, offset, length, block, c.Empty); err != nil {
			return err
		}
		if m.find(wrongDigest) != nil {
			packet[len(packet)-1] ^= 0xff
		}
		return nil
	})
	if err != nil {
		return x.refuse(id, err)
	}
	return x.send(withLength(packet))
}

// chooseHash returns the first hash of a list that is known here, nil where none is.
func chooseHash(list string) (name string, newHash func() hash.Hash) {
	for name := range strings.SplitSeq(list, ",") {
		if newHash, ok := checkFileHashes[name]; ok {
			return name, newHash
		}
	}
	return "", nil
}

// hash appends the hashes of a file's blocks.
func (v *view) hash(to []byte, name string, newHash func() hash.Hash, offset, length, block int64, empty bool) ([]byte, error) {
	f, err := v.root.Open(v.local(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	left := info.Size() - offset
	switch {
	case empty && info.Size() == 0 && offset == 0 && block == 0:
		return newHash().Sum(to), nil
	case info.Size() == 0:
		return nil, Unsupported // ProFTPD's answer to EINVAL
	case offset < 0 || left <= 0 || (block != 0 && block < 256):
		return nil, fs.ErrInvalid
	}
	if length > 0 {
		left = min(left, length)
	}
	if block == 0 {
		block = left
	}
	for ; left > 0; left -= block {
		h, n := newHash(), min(block, left)
		if _, err := io.Copy(h, io.NewSectionReader(f, offset, n)); err != nil {
			return nil, err
		}
		to, offset = h.Sum(to), offset+n
	}
	return to, nil
}
