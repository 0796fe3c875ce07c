package sftptest

import (
	"encoding/binary"
	"errors"
	"os"
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
	if o.Copies {
		list = append(list, extension{name: extCopyData, data: "1", answer: (*exchange).copyData})
	}
	return append(list, o.CheckFile.extensions()...)
}

// has returns the extension that a request's name belongs to.
func (x *exchange) has(name string) (extension, bool) {
	for _, e := range x.extensions {
		if e.name == name {
			return e, !x.hides(e)
		}
	}
	return extension{}, false
}

func (x *exchange) hides(e extension) bool {
	return x.view.faults.hides(e.name) || (strings.HasPrefix(e.name, extCheckFile) && x.view.faults.hides(extCheckFile))
}

// version is the VERSION packet.
func (x *exchange) version() []byte {
	packet := []byte{0, 0, 0, 0, packetVersion, 0, 0, 0, 3}
	for _, e := range x.extensions {
		if !e.silent && !x.hides(e) {
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
		f, err := x.view.root.OpenFile(x.view.local(name), os.O_WRONLY, 0)
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
