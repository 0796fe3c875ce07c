package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The requests that have a server hash a file in the SFTP channel itself. Source: draft-ietf-secsh-filexfer-extensions-00,
// section 3.
const (
	extCheckFile    = "check-file" // what they are announced as, and the first string of their reply
	checkFileName   = extCheckFile + "-name"
	checkFileHandle = extCheckFile + "-handle"
)

const checkFileAlgorithm = "sha256"

// checkFileForms returns the requests that are worth trying at a server, the better first: by name it is one round trip,
// by handle three and an open file. ProFTPD and Bitvise answer them without announcing them in version 3 of SFTP
// (measured with ProFTPD 1.3.8); others are not asked what they do not announce, since some answer nothing then.
func checkFileForms(banner string, extensions map[string]string) []string {
	has := func(name string) bool {
		_, plain := extensions[name]
		// Version 5 and 6 list names in these two; some servers send them in version 3 too.
		return plain || strings.Contains(extensions["supported"]+extensions["supported2"], name)
	}
	silent := slices.ContainsFunc([]string{"mod_sftp", "WinSSHD", "Bitvise"}, func(word string) bool {
		return strings.Contains(banner, word)
	})
	if silent || has(extCheckFile) {
		return []string{checkFileName, checkFileHandle}
	}
	return slices.DeleteFunc([]string{checkFileName, checkFileHandle}, func(form string) bool { return !has(form) })
}

// isCheckFile tells whether a means of Hash is a request rather than a command.
func isCheckFile(means string) bool { return means == checkFileName || means == checkFileHandle }

// checkFileRequest returns the body of a request about the whole of a file. subject is a name or a handle.
func checkFileRequest(form, subject string) []byte {
	body := appendString(appendString(appendString(nil, form), subject), checkFileAlgorithm)
	const wholeFile = 0 // for the offset, the length and the block size alike
	body = binary.BigEndian.AppendUint64(body, wholeFile)
	body = binary.BigEndian.AppendUint64(body, wholeFile)
	return binary.BigEndian.AppendUint32(body, wholeFile)
}

var (
	// errUntold says that a server tells no digest of this file.
	errUntold = errors.New("the server tells no digest of the file")
	// errNotDigest is for a reply that holds something else.
	errNotDigest = fmt.Errorf("%w: its reply is no SHA-256", errUntold)
)

// parseCheckFile reads a reply from the packet type on. The draft has the string "check-file" before the algorithm's
// name; ProFTPD leaves it out.
func parseCheckFile(reply []byte) ([]byte, error) {
	const head = 5 // type, id
	if len(reply) >= head && reply[0] == packetStatus {
		err := parseStatus(reply)
		if err == nil {
			err = errNotDigest
		}
		return nil, err
	}
	if len(reply) < head || reply[0] != packetReply {
		return nil, errNotDigest
	}
	algorithm, rest, err := readString(reply[head:])
	if err == nil && algorithm == extCheckFile {
		algorithm, rest, err = readString(rest)
	}
	if err != nil || algorithm != checkFileAlgorithm || len(rest) != sha256.Size {
		return nil, errNotDigest
	}
	return bytes.Clone(rest), nil
}

// checkFile returns the SHA-256 of a file by a check-file request. It shares the channel with all else, so that many
// files are asked for at once in one round trip; a server that works in order hashes them one after the other. An error
// of kind Unsupported says that the server tells no digest of this file: of an empty one, ProFTPD never does.
func (s *Session) checkFile(ctx context.Context, form, name string, size int64) ([]byte, error) {
	if form == checkFileHandle {
		if err := s.takeFiles(ctx, 1, "hash", name); err != nil {
			return nil, err
		}
		defer s.handles.give(1)
	}
	quiet := slowQuiet(size, s.target.StallTimeout)
	var at rank
	w := s.watch(&watch{quiet: quiet, most: slowLimit(size), slow: true, first: at.reached, hung: func() error {
		if at.reached() {
			s.note(checkFileHung)
		}
		return fmt.Errorf("%s %s was not answered within %v (stall_timeout, and more for its size)", form, printable(name), quiet)
	}})
	defer w.stop()
	sum, err := s.askCheckFile(nil, &at, form, name)
	if err == nil && s.caps.Load().CheckHangs > 0 {
		s.note(func(c *Capabilities) { c.CheckHangs = 0 })
	}
	return sum, s.wrap("hash", name, noDigest(err))
}

// enoughHangs is how many sessions in a row have to be lost to a check-file request for it not to be made any more: a server
// may hang for other reasons.
const enoughHangs = 2

func checkFileHung(c *Capabilities) {
	if c.CheckHangs++; c.CheckHangs >= enoughHangs {
		c.CheckFile, c.CheckHangs = "", 0
	}
}

// noDigest makes a server's refusal to hash one of this file alone.
func noDigest(err error) error {
	if status, ok := errors.AsType[*statusError](err); ok {
		return fmt.Errorf("%w: %w", errUntold, status)
	}
	return err
}

// askCheckFile makes the requests, until over receives; nil never does. at becomes the rank of the one that hashes, unless it is nil.
func (s *Session) askCheckFile(over <-chan time.Time, at *rank, form, name string) (sum []byte, err error) {
	if form == checkFileName {
		return s.callCheckFile(over, at, form, name)
	}
	handle, err := s.openHandle("hash", name, openRead)
	if err != nil {
		return nil, err
	}
	sum, err = s.callCheckFile(over, at, form, handle)
	if closeErr := s.closeHandle(name, handle); err == nil && Transient.is(closeErr) { // opened for reading: nothing else is lost
		err = closeErr
	}
	return sum, err
}

func (s *Session) callCheckFile(over <-chan time.Time, at *rank, form, subject string) ([]byte, error) {
	reply, err := s.mux.callUntil(over, at, packetExtended, checkFileRequest(form, subject))
	if err != nil {
		return nil, err
	}
	return parseCheckFile(reply)
}

// proveCheckFile returns the first request that hashes a file of known content rightly, "" where none does: ProFTPD 1.3.8rc3
// told the digest of an empty file instead (proftpd/proftpd#1439).
func (s *Session) proveCheckFile(ctx context.Context, name string, want [sha256.Size]byte) (string, error) {
	for _, form := range checkFileForms(s.Banner(), s.mux.extensions) {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		// A server that leaves it unanswered is one without it; that of a dead connection is found by its silence.
		timer := time.NewTimer(s.target.StallTimeout)
		sum, err := s.askCheckFile(timer.C, nil, form, name)
		timer.Stop()
		switch {
		case errors.Is(err, errNoReply):
			return "", nil
		case err != nil && KindOf(s.wrap("probe", name, noDigest(err))) == Transient:
			return "", s.wrap("probe", name, err)
		case err == nil && bytes.Equal(sum, want[:]):
			return form, nil
		}
	}
	return "", nil
}
