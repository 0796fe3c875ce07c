package watcher

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/dropferry/dropferry/file"
)

// mountTable has the places in a folder where other file systems are mounted, each with a number of the mount. No event
// tells when one comes or goes.
type mountTable map[file.Path]string

// lostMounts has the directories of a folder in which a mount point is not mounted any more, with its name. What shows there, if
// anything, is the directory below, which is empty for most; what was mounted is unknown, and not gone.
type lostMounts map[file.Path][]string

func (l lostMounts) has(p file.Path) bool { return slices.Contains(l[p.Dir()], p.Base()) }

// look compares with the mounts there are now. What was mounted once is remembered until it is mounted again, or the
// process ends. changed tells that there is a difference to the last look.
func (t *mountTable) look(now mountTable) (lost lostMounts, changed bool) {
	all := maps.Clone(now)
	if all == nil {
		all = mountTable{}
	}
	for p := range *t {
		if _, there := now[p]; !there {
			all[p] = notMounted
			if lost == nil {
				lost = lostMounts{}
			}
			lost[p.Dir()] = append(lost[p.Dir()], p.Base())
		}
	}
	changed = *t != nil && !maps.Equal(*t, all)
	*t = all
	return lost, changed
}

// notMounted stands in a mountTable for a place where something was mounted before.
const notMounted = ""

// parseMounts reads the format of /proc/self/mountinfo, see proc(5), and returns what is mounted below root, which is
// without links. Of several mounts on one place the last counts.
func parseMounts(text, root string) mountTable {
	found := mountTable{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if p, ok := file.Rel(root, unescapeMount(fields[4])); ok && p != "" {
			found[p] = fields[0]
		}
	}
	return found
}

// unescapeMount undoes the octal escapes of space, tab, newline and backslash.
func unescapeMount(name string) string {
	if !strings.Contains(name, `\`) {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if c, ok := octal(name[i:]); ok {
			out = append(out, c)
			i += 3
			continue
		}
		out = append(out, name[i])
	}
	return string(out)
}

func octal(s string) (c byte, ok bool) {
	if len(s) < 4 || s[0] != '\\' {
		return 0, false
	}
	value := 0
	for _, digit := range s[1:4] {
		if digit < '0' || digit > '7' {
			return 0, false
		}
		value = value*8 + int(digit-'0')
	}
	return byte(value), value < 256
}

var (
	errOtherRoot   = errors.New("another directory has taken the place of the folder's root: what it does not hold is not taken for gone at once")
	errOtherDevice = errors.New("the folder's root lies on another file system than before: what it does not hold is not taken for gone until the agent is started anew")
)

// doubt tells why the scan of a root must not say that anything is gone: home is the root that was scanned before. On another file
// system it must not until the first is back; another directory is believed from its second scan on.
func doubt(home, now identity) error {
	switch {
	case home == (identity{}), home.dev == now.dev && home.inode == now.inode:
		return nil
	case home.dev != now.dev:
		return errOtherDevice
	default:
		return errOtherRoot
	}
}
