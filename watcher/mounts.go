package watcher

import (
	"context"
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

// hold tells whether p is such a place, or lies in one.
func (l lostMounts) hold(p file.Path) bool {
	for at := p; len(l) > 0 && at != ""; at = at.Dir() {
		if l.has(at) {
			return true
		}
	}
	return false
}

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

// keep makes places all that counts of what is not mounted now, and returns it.
func (t *mountTable) keep(places []file.Path) (lost lostMounts, changed bool) {
	before := maps.Clone(*t)
	maps.DeleteFunc(*t, func(_ file.Path, mount string) bool { return mount == notMounted })
	for _, p := range places {
		if _, there := (*t)[p]; there {
			continue
		}
		(*t)[p] = notMounted
		if lost == nil {
			lost = lostMounts{}
		}
		lost[p.Dir()] = append(lost[p.Dir()], p.Base())
	}
	return lost, !maps.Equal(before, *t)
}

// Mounts keeps in mind where file systems are mounted in a folder, for longer than a Watcher lives. What is mounted on the
// same file system, by its other name, is told in no other way.
type Mounts interface {
	// Mounted returns the places that were saved, but for those of which nothing matters any more.
	Mounted(ctx context.Context) ([]file.Path, error)
	SaveMounted(ctx context.Context, places []file.Path) error
}

// Remember has the Watcher keep in mind what is mounted in its folder. It comes before the Watcher's work.
func (w *Watcher) Remember(m Mounts) { w.memory = m }

// Unmounted returns those of the places in the folder at root where nothing is mounted now.
func Unmounted(root string, places []file.Path) []file.Path {
	if len(places) == 0 {
		return nil
	}
	now, err := readMounts(root)
	if err != nil {
		return places
	}
	return slices.DeleteFunc(slices.Clone(places), func(p file.Path) bool { _, there := now[p]; return there })
}

// lookAtMounts compares what is mounted in the folder with what was. It reports whether there is a difference to the last look.
func (w *Watcher) lookAtMounts(ctx context.Context) (changed bool) {
	now, err := w.mounts(w.rules.Root)
	if err != nil {
		return false // the root is looked at more closely elsewhere
	}
	before := maps.Clone(w.inside)
	lost, changed := w.inside.look(now)
	if w.memory != nil {
		err = w.saveMounts(ctx, now, before)
		if err == nil && (!w.recalled || len(lost) > 0) {
			lost, changed, err = w.recall(ctx, lost, changed)
		}
		w.unsure = err
		w.unsaved = w.unsaved && err != nil
	}
	w.lost = lost
	return changed
}

// attend begins to be told of mounts, until the end of the work that has begun.
func (w *Watcher) attend() (end func()) {
	w.mounting = openMountEvents()
	return func() {
		w.mounting.close()
		w.mounting = nil
	}
}

// visited has the numbers of the file systems that a look at the folder has come to. 0 is of what cannot be read.
type visited map[uint64]bool

// beginsAt is a look that begins on a file system.
func beginsAt(dev uint64) visited { return visited{0: true, dev: true} }

// visit saves where file systems are mounted, if that may have changed: as the system tells, or because a look comes to another one, which may
// have moved here with its directory. It comes between opening a directory and telling of what lies there: nothing may be known before its
// place is, or it could never be missed once that is unmounted. The look at the end of a scan may come too late for that: the process may
// have ended.
func (w *Watcher) visit(ctx context.Context, been visited, dev uint64) {
	if w.memory == nil || !w.mounting.changed() && been[dev] && !w.unsaved {
		return
	}
	been[dev] = true
	now, err := w.mounts(w.rules.Root)
	if err == nil {
		err = w.saveMounts(ctx, now, w.inside)
	}
	w.unsaved = err != nil // the next visit tries again
}

// saveMounts saves the places where something is mounted now that was not before.
func (w *Watcher) saveMounts(ctx context.Context, now, before mountTable) error {
	var places []file.Path
	for p := range now {
		if before[p] == notMounted || w.unsure != nil {
			places = append(places, p)
		}
	}
	if len(places) == 0 {
		return nil
	}
	slices.Sort(places)
	return w.memory.SaveMounted(ctx, places)
}

// recall makes what was saved count: an earlier Watcher may have seen a mount, and nothing may be left of another one.
func (w *Watcher) recall(ctx context.Context, lost lostMounts, changed bool) (lostMounts, bool, error) {
	places, err := w.memory.Mounted(ctx)
	if err != nil {
		return lost, changed, err
	}
	lost, differs := w.inside.keep(places)
	changed = (changed || differs) && w.recalled
	w.recalled = true
	return lost, changed, nil
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
