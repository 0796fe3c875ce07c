package remote

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pkg/sftp"
)

// Status codes of the SFTP protocol, draft-ietf-secsh-filexfer-02 section 7; those from 10 on are from later drafts,
// which some servers send all the same.
const (
	statusEOF              = 1
	statusNoSuchFile       = 2
	statusPermissionDenied = 3
	statusFailure          = 4
	statusUnsupported      = 8
	statusNoSuchPath       = 10
	statusAlreadyExists    = 11
	statusWriteProtect     = 12
	statusNoSpace          = 14
	statusQuota            = 15
)

// statusError is what the server answered to a request. For fs.ErrNotExist and fs.ErrPermission it stands where it
// means the same.
type statusError struct {
	code uint32
	text string // the server's own words
}

func (e *statusError) kind() Kind {
	switch e.code {
	case statusNoSuchFile, statusNoSuchPath:
		return Missing
	case statusPermissionDenied, statusWriteProtect:
		return Permission
	case statusUnsupported:
		return Unsupported
	case statusAlreadyExists:
		return Exists
	case statusNoSpace, statusQuota:
		return DiskFull
	case statusFailure:
		if saysFull(e.text) {
			return DiskFull
		}
	}
	return Refused
}

// saysFull tells whether the text of a FAILURE, which is all that version 3 of the protocol has for it, speaks of a full
// disk or a used quota: in the words of errno, which many servers pass on, or of a server's own.
func saysFull(text string) bool {
	text = strings.ToLower(text)
	return slices.ContainsFunc([]string{
		"disk quota exceeded", "quota exceeded", "over quota", "quota limit", "no space left", "disk full", "disk is full",
		"not enough space", "insufficient disk space", "insufficient storage", "filesystem is full", "file system is full",
	}, func(words string) bool { return strings.Contains(text, words) })
}

func (e *statusError) Error() string {
	words := ""
	switch e.kind() {
	case Missing:
		words = "no such file or directory"
	case Permission:
		words = "permission denied"
	case Unsupported:
		words = "the server does not support this operation"
	case DiskFull:
		words = wordsNoRoom
	}
	text := shorten(strings.TrimSpace(e.text))
	if text == "" && e.code == statusEOF {
		text = "end of file"
	}
	switch {
	case words != "" && saysNothing(text):
		return words
	case words != "":
		return fmt.Sprintf("%s; the server says %q", words, text)
	case text == "":
		return fmt.Sprintf("the server answered with SFTP status %d and no text", e.code)
	case e.code == statusFailure && saysNothing(text):
		return fmt.Sprintf("the server answered %q (SFTP status 4, which says no more)", text)
	}
	return fmt.Sprintf("the server answered %q (SFTP status %d)", text, e.code)
}

// Is makes the error equal to the standard library's of the same meaning.
func (e *statusError) Is(target error) bool {
	switch e.kind() {
	case Missing:
		return target == fs.ErrNotExist
	case Permission:
		return target == fs.ErrPermission
	}
	return false
}

// saysNothing tells whether a server's text is only the name of its status.
func saysNothing(text string) bool {
	switch strings.ToLower(strings.TrimRight(text, ".")) {
	case "", "failure", "no such file", "no such file or directory", "file does not exist", "permission denied",
		"operation unsupported", "operation not supported", "unsupported operation", "ssh_fx_op_unsupported":
		return true
	}
	return false
}

// withText is added to the codes 2 and 3 on their way to pkg/sftp, which drops the server's words with them otherwise.
const withText = 1 << 16

// keepText rewrites a packet from the server so that pkg/sftp keeps the text of its status.
func keepText(packet []byte) {
	if packet[4] != packetStatus || len(packet) < 13 {
		return
	}
	code := packet[9:13]
	switch c := binary.BigEndian.Uint32(code); c {
	case statusNoSuchFile, statusPermissionDenied:
		binary.BigEndian.PutUint32(code, c+withText)
	}
}

// fromLibrary turns pkg/sftp's error for a status into ours. Its text is only there as it is printed: "sftp: %q (%v)".
func fromLibrary(err *sftp.StatusError) *statusError {
	e := &statusError{code: err.Code &^ withText}
	quoted := strings.TrimPrefix(err.Error(), "sftp: ")
	if i := strings.LastIndex(quoted, " ("); i >= 0 {
		quoted = quoted[:i]
	}
	if text, err := strconv.Unquote(quoted); err == nil {
		e.text = text
	}
	return e
}

// shorten cuts a text of the server's that would fill a screen.
func shorten(text string) string {
	const most = 200
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}

// printable returns a path for a message: quoted where it holds what a terminal or a log would not show as it is.
func printable(path string) string {
	if utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return path
	}
	return strconv.Quote(path)
}
