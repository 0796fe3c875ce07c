package sftptest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// extCopyData is announced by a Server with ServerOptions.Copies. Source: draft-ietf-secsh-filexfer-extensions-00, section 7.
const extCopyData = "copy-data"

// copyData copies a range between two open files, as OpenSSH does: an early end of what is copied, and a disk that is full, are
// told as OK. Its request is a handle, an offset and a length, 0 being to the end, and another handle and its offset.
func (x *exchange) copyData(id uint32, _ string, rest []byte) error {
	x.settle()
	from, rest, err := readString(rest)
	if err != nil || len(rest) < 16 {
		return errBadPacket
	}
	offset, length := int64(binary.BigEndian.Uint64(rest)), int64(binary.BigEndian.Uint64(rest[8:]))
	to, rest, err := readString(rest[16:])
	if err != nil || len(rest) < 8 {
		return errBadPacket
	}
	at := int64(binary.BigEndian.Uint64(rest))
	source, ok := x.opened(from)
	target, there := x.opened(to)
	if !ok || !there {
		return x.refuse(id, Failure)
	}
	return x.refuse(id, x.view.do(OpCopy, source, target, func(m meeting) error {
		return x.view.copy(source, target, offset, length, at, m)
	}))
}

// copy copies what the faults of the call leave of a range.
func (v *view) copy(source, target string, offset, length, at int64, m meeting) (err error) {
	in, err := v.root.Open(v.local(source))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // only read
	out, err := v.root.OpenFile(v.local(target), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if length == 0 {
		info, err := in.Stat()
		if err != nil {
			return err
		}
		length = max(0, info.Size()-offset)
	}
	data := make([]byte, length)
	n, err := in.ReadAt(data, offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	data = data[:n]
	if m.find(shortCopy) != nil {
		data = data[:n/2]
	}
	if m.find(wrongCopy) != nil && n > 0 {
		data[len(data)/2] ^= 0xff
	}
	_, err = out.WriteAt(data[:v.faults.spend(m, len(data))], at)
	return err
}

// ShortCopies says OK to copies and makes half of each, as often as times says; 0 is always.
func ShortCopies(times int) Fault { return Fault{Op: OpCopy, Times: times, effect: shortCopy} }

// WrongCopies changes a byte of copies, as often as times says; 0 is always.
func WrongCopies(times int) Fault { return Fault{Op: OpCopy, Times: times, effect: wrongCopy} }
