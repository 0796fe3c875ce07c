package remote

import (
	"context"
	"encoding/binary"
	"errors"
)

// extCopyData copies ranges between two files at the server. Source: draft-ietf-secsh-filexfer-extensions-00, section 7;
// OpenSSH has it since 9.0.
const extCopyData = "copy-data"

// Flags of OPEN in SFTP version 3, draft-ietf-secsh-filexfer-02 section 6.3.
const (
	openRead     = 0x01
	openWrite    = 0x02
	openCreate   = 0x08
	openTruncate = 0x10
)

// copyStep is how much one request copies: the server does nothing else on the channel meanwhile.
const copyStep = 16 << 20

// Copy makes temp a copy of another file at the server, of which it knows the size. An error of kind Unsupported says that
// the server does not copy. A success proves nothing: OpenSSH says OK to copies that a full disk has cut short, so the
// caller has to compare the content. After an error temp holds something: it is the caller's to remove.
func (s *Session) Copy(ctx context.Context, from, temp string, size int64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.mux.extensions[extCopyData] != "1" {
		return &Error{Op: "copy", Destination: s.target.Name, Path: temp, Kind: Unsupported, Err: errNoCopy}
	}
	if s.OpenFiles() == 1 {
		return &Error{Op: "copy", Destination: s.target.Name, Path: temp, Kind: Unsupported, Err: errOneFile}
	}
	if err := s.takeFiles(ctx, 2, "copy", temp); err != nil {
		return err
	}
	defer s.handles.give(2)
	s.told.Delete(temp)
	source, err := s.openHandle("copy", from, openRead)
	if err != nil {
		return err
	}
	defer s.closeHandle(from, source) //nolint:errcheck // opened for reading: nothing is lost
	var target string
	err = s.inDir(ctx, dirOf(temp), func() (err error) {
		target, err = s.openHandle("copy", temp, openWrite|openCreate|openTruncate)
		return err
	})
	if err != nil {
		return s.diskFull(ctx, err)
	}
	err = s.copyAll(ctx, source, target, temp, size)
	if err == nil && s.caps.Load().Fsync {
		err = s.doSlow("sync", temp, size, func() error {
			return s.status(packetExtended, appendString(appendString(nil, extFsync), target))
		})
	}
	closeErr := s.closeHandle(temp, target)
	if err == nil {
		err = closeErr
	}
	if err != nil {
		return s.diskFull(ctx, err)
	}
	return nil
}

var (
	// errNoCopy is for a server without copy-data.
	errNoCopy = errors.New("the server does not copy files")
	// errOneFile is for one that does not let both files be open.
	errOneFile = errors.New("the server lets one file be open at a time")
)

func (s *Session) copyAll(ctx context.Context, source, target, temp string, size int64) error {
	for at := int64(0); at < size; at += copyStep {
		if err := ctx.Err(); err != nil {
			return err
		}
		step := min(copyStep, size-at)
		body := appendString(appendString(nil, extCopyData), source)
		body = binary.BigEndian.AppendUint64(body, uint64(at))
		body = binary.BigEndian.AppendUint64(body, uint64(step)) // never 0, which means all there is
		body = binary.BigEndian.AppendUint64(appendString(body, target), uint64(at))
		err := s.doSlow("copy", temp, step, func() error { return s.status(packetExtended, body) })
		if err != nil {
			return err
		}
	}
	return nil
}

// status makes a request that is answered with a status.
func (s *Session) status(kind byte, body []byte) error {
	reply, err := s.mux.call(kind, body)
	if err != nil {
		return err
	}
	return parseStatus(reply)
}

// openHandle opens a remote file for requests that pkg/sftp does not know.
func (s *Session) openHandle(op, name string, flags uint32) (handle string, err error) {
	err = s.fly(&s.lane, name, false, 0, openRequest(op, name, flags, &handle))
	return handle, err
}

func (s *Session) closeHandle(name, handle string) error {
	return s.fly(&s.lane, name, false, 0, closeRequest(handle))
}

// Hashes tells whether the server can prove content without sending it back.
func (c *Capabilities) Hashes() bool { return c.Hash != "" || c.CheckFile != "" }

// Copies tells whether the server can copy files.
func (c *Capabilities) Copies() bool { return c.Extensions[extCopyData] == "1" }
