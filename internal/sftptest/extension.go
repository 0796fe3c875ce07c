package sftptest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pkg/sftp"
)

// Limits are the answer to limits@openssh.com, in bytes and a count; see section 4.8 of OpenSSH's PROTOCOL.
type Limits struct {
	Packet, Read, Write, Handles uint64
}

// extensionsOf returns what a server announces.
func extensionsOf(o ServerOptions) []extension {
	list := []extension{
		{name: extPosixRename, data: "1"},
		{name: extStatVFS, data: "2"},
		{name: extHardlink, data: "1"},
		{name: extFsync, data: "1", answer: (*exchange).fsync},
	}
	if o.Limits != nil {
		list = append(list, extension{
			name: extLimits, data: "1",
			answer: func(x *exchange, id uint32, _ string, _ []byte) error { return x.limits(id, *o.Limits) },
		})
	}
	if o.CheckFile {
		list = append(list, extension{name: extCheckFile, data: "1", answer: (*exchange).checkFile})
	}
	return list
}

// has returns the extension that a request's name belongs to.
func (x *exchange) has(name string) (extension, bool) {
	switch name {
	case extCheckFile + "-handle", extCheckFile + "-name":
		name = extCheckFile
	}
	for _, e := range x.extensions {
		if e.name == name {
			return e, !x.view.faults.hides(name)
		}
	}
	return extension{}, false
}

// version is the VERSION packet.
func (x *exchange) version() []byte {
	packet := []byte{0, 0, 0, 0, packetVersion, 0, 0, 0, 3}
	for _, e := range x.extensions {
		if !x.view.faults.hides(e.name) {
			packet = appendString(appendString(packet, e.name), e.data)
		}
	}
	return withLength(packet)
}

// fsync flushes the file of a handle. Its request is a handle.
func (x *exchange) fsync(id uint32, _ string, rest []byte) error {
	x.settle()
	handle, _, err := readString(rest)
	if err != nil {
		return err
	}
	name, ok := x.opened(handle)
	if !ok {
		return x.refuse(id, Failure)
	}
	return x.refuse(id, x.view.do(OpFsync, name, "", func(meeting) error {
		f, err := x.view.root.OpenFile(local(name), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	}))
}

func (x *exchange) limits(id uint32, l Limits) error {
	if err := x.view.do(OpLimits, "/", "", func(meeting) error { return nil }); err != nil {
		return x.refuse(id, err)
	}
	packet := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetReply}, id)
	for _, n := range []uint64{l.Packet, l.Read, l.Write, l.Handles} {
		packet = binary.BigEndian.AppendUint64(packet, n)
	}
	return x.send(withLength(packet))
}

var checkFileHashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New,
}

// checkFile hashes a file as ProFTPD does: draft-ietf-secsh-filexfer-09 section 9.1.2, where an offset at or beyond the
// end (that of an empty file too) and a block of less than 256 bytes are refused. Its request is a handle or name, a
// list of hash names, offset, length (0 is to the end) and block size (0 is one hash for all).
func (x *exchange) checkFile(id uint32, request string, rest []byte) error {
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
	if handle := name; strings.HasSuffix(request, "-handle") {
		var ok bool
		if name, ok = x.opened(handle); !ok {
			return x.refuse(id, Failure)
		}
	}
	name = path.Clean("/" + name)
	var packet []byte
	err = x.view.do(OpCheckFile, name, "", func(meeting) error {
		for algorithm := range strings.SplitSeq(hashes, ",") {
			if newHash, ok := checkFileHashes[algorithm]; ok {
				packet = binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetReply}, id)
				packet = appendString(packet, algorithm)
				packet, err = x.view.hash(packet, name, newHash, offset, length, block)
				return err
			}
		}
		return Unsupported
	})
	if err != nil {
		return x.refuse(id, err)
	}
	return x.send(withLength(packet))
}

// hash appends the hashes of a file's blocks.
func (v *view) hash(to []byte, name string, newHash func() hash.Hash, offset, length, block int64) ([]byte, error) {
	f, err := v.root.Open(local(name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	left := info.Size() - offset
	if offset < 0 || left <= 0 || (block != 0 && block < 256) {
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

// refuse answers with a status: OK where err is nil.
func (x *exchange) refuse(id uint32, err error) error {
	if errors.Is(err, errCut) {
		return err
	}
	code, text := uint32(0), "OK"
	if err != nil {
		code, text = codeOf(err), err.Error()
	}
	packet := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 0, packetStatus}, id)
	packet = binary.BigEndian.AppendUint32(packet, code)
	return x.send(withLength(appendString(appendString(packet, text), "")))
}

// codeOf finds the status code in an error; what has none is FAILURE.
func codeOf(err error) uint32 {
	target := sftp.ErrSSHFxFailure
	if errors.As(err, &target) {
		return uint32(target)
	}
	return uint32(sftp.ErrSSHFxFailure)
}

func withLength(packet []byte) []byte {
	binary.BigEndian.PutUint32(packet, uint32(len(packet)-4))
	return packet
}
