package watcher

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/fsnotify/fsnotify"
)

// notification is one FILE_NOTIFY_INFORMATION of ReadDirectoryChangesW.
type notification struct {
	action uint32
	name   string // relative to the watched directory, with backslashes
}

// What notification.action says: the FILE_ACTION constants of winnt.h.
const (
	actionAdded      = 1
	actionRemoved    = 2
	actionModified   = 3
	actionRenamedOld = 4
	actionRenamedNew = 5
)

// op returns what an event of fsnotify would say.
func (n notification) op() fsnotify.Op {
	switch n.action {
	case actionAdded, actionRenamedNew:
		return fsnotify.Create
	case actionRemoved:
		return fsnotify.Remove
	case actionRenamedOld:
		return fsnotify.Rename
	case actionModified:
		return fsnotify.Write
	}
	return 0 // look
}

var errNotifications = errors.New("the list of changes is damaged")

// notificationHead is the length of FILE_NOTIFY_INFORMATION before the name: NextEntryOffset, Action, FileNameLength.
const notificationHead = 12

// parseNotifications reads the chain of FILE_NOTIFY_INFORMATION in buf. Beside an error it returns what came before.
func parseNotifications(buf []byte) ([]notification, error) {
	var found []notification
	for {
		if len(buf) < notificationHead {
			return found, errNotifications
		}
		next := uint64(binary.LittleEndian.Uint32(buf))
		length := uint64(binary.LittleEndian.Uint32(buf[8:]))
		end := notificationHead + length
		if length%2 != 0 || end > uint64(len(buf)) {
			return found, errNotifications
		}
		found = append(found, notification{
			action: binary.LittleEndian.Uint32(buf[4:]), name: wtf8(buf[notificationHead:end]),
		})
		switch {
		case next == 0:
			return found, nil
		case next < end || next > uint64(len(buf)): // it would go back, or out
			return found, errNotifications
		}
		buf = buf[next:]
	}
}

// wtf8 turns UTF-16 into what package os has for names: UTF-8, with halves of surrogate pairs that stand alone, as
// Windows allows in names, encoded like other code points.
func wtf8(utf16 []byte) string {
	out := make([]byte, 0, len(utf16))
	for i := 0; i+1 < len(utf16); i += 2 {
		r := rune(binary.LittleEndian.Uint16(utf16[i:]))
		if r >= 0xd800 && r < 0xdc00 && i+3 < len(utf16) {
			if low := rune(binary.LittleEndian.Uint16(utf16[i+2:])); low >= 0xdc00 && low < 0xe000 {
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
				i += 2
			}
		}
		if r >= 0xd800 && r < 0xe000 {
			out = append(out, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
			continue
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}

// mayBeShort tells whether a path has an element that may be a short (8.3) name: whoever opens a file by such a name is
// told of by it.
func mayBeShort(name string) bool {
	for element := range strings.SplitSeq(name, `\`) {
		stem, ext, _ := strings.Cut(element, ".")
		tilde := strings.LastIndexByte(stem, '~')
		if tilde > 0 && tilde < len(stem)-1 && len(stem) <= 8 && len(ext) <= 3 &&
			strings.Trim(stem[tilde+1:], "0123456789") == "" {
			return true
		}
	}
	return false
}

// hintInto puts a notification about the directory root into hints. long expands short names; where it cannot, because the file is
// gone, only a scan can tell which one that was.
func (n notification) hintInto(hints *dirty, root string, long func(string) (string, error)) {
	name := root + string(filepath.Separator) + strings.ReplaceAll(n.name, `\`, string(filepath.Separator))
	if mayBeShort(n.name) {
		full, err := long(name)
		longRoot, rootErr := long(root)
		below, ok := strings.CutPrefix(full, longRoot)
		if err != nil || rootErr != nil || !ok {
			hints.askRescan()
			return
		}
		name = root + below // hints have the root as it is configured
	}
	hints.add(name, n.op())
}

// extendedPath returns the form of an absolute Windows path that may be longer than 260 characters. It is taken as it
// is: without "." and "..", and with backslashes only.
func extendedPath(name string) string {
	name = strings.ReplaceAll(name, "/", `\`)
	switch {
	case strings.HasPrefix(name, `\\?\`), strings.HasPrefix(name, `\\.\`), strings.HasPrefix(name, `\??\`):
		return name
	case strings.HasPrefix(name, `\\`):
		return `\\?\UNC\` + name[2:]
	case len(name) >= 3 && name[1] == ':' && name[2] == '\\':
		return `\\?\` + name
	}
	return name // relative: it has no such form
}

// plainPath takes back what extendedPath adds.
func plainPath(name string) string {
	if rest, ok := strings.CutPrefix(name, `\\?\UNC\`); ok {
		return `\\` + rest
	}
	return strings.TrimPrefix(name, `\\?\`)
}

// isUNC tells whether a Windows path names a share of another machine.
func isUNC(name string) bool {
	name = strings.ReplaceAll(name, "/", `\`)
	if rest, ok := strings.CutPrefix(name, `\\?\`); ok {
		return len(rest) > 4 && strings.EqualFold(rest[:4], `UNC\`)
	}
	return strings.HasPrefix(name, `\\`) && !strings.HasPrefix(name, `\\.\`)
}

// driveOf returns the drive of a Windows path, as in "Z:", and what follows it.
func driveOf(name string) (drive, rest string, ok bool) {
	name = strings.ReplaceAll(name, "/", `\`)
	name = strings.TrimPrefix(name, `\\?\`)
	if len(name) < 2 || name[1] != ':' {
		return "", "", false
	}
	if c := name[0] | 0x20; c < 'a' || c > 'z' {
		return "", "", false
	}
	return name[:2], name[2:], true
}

// joinShare puts what follows a drive behind the share that the drive stands for.
func joinShare(share, rest string) string {
	rest = strings.TrimLeft(rest, `\`)
	if rest == "" {
		return strings.TrimRight(share, `\`)
	}
	return strings.TrimRight(share, `\`) + `\` + rest
}
