package watcher

import "github.com/dropferry/dropferry/file"

// unread has the places that a scan could not read: of what lies there it says nothing. Some are there for good, as lost+found of a disk;
// all else is checked and swept in spite of them.
type unread struct {
	places map[file.Path]struct{}
	all    bool // the root could not be read, or there were too many
}

// maxUnread is how many places are told apart.
const maxUnread = 1000

func (u *unread) add(p file.Path) {
	if u.all = u.all || p == "" || len(u.places) >= maxUnread; u.all {
		return
	}
	if u.places == nil {
		u.places = map[file.Path]struct{}{}
	}
	u.places[p] = struct{}{}
}

// hold tells whether p is such a place, or lies in one.
func (u *unread) hold(p file.Path) bool {
	if u.all || len(u.places) == 0 {
		return u.all
	}
	for at := p; at != ""; at = at.Dir() {
		if _, is := u.places[at]; is {
			return true
		}
	}
	return false
}
