package syncer

import "github.com/dropferry/dropferry/file"

// unread has the unreadable places of a scan under which something that comes later may lie. A scan comes in byte-wise order of paths,
// so that what lies under "a" may come after "a-b": each of them is a prefix of the next, and they are a few at most.
type unread []file.Path

// add takes a place, which comes after all that was asked for.
func (u *unread) add(p file.Path) {
	u.pass(p)
	*u = append(*u, p)
}

// covers tells whether p, which comes after all that was asked for before, is such a place, or lies under one.
func (u *unread) covers(p file.Path) bool {
	u.pass(p)
	return underAny(p, *u)
}

// pass forgets places under which nothing lies that comes at p or later.
func (u *unread) pass(p file.Path) {
	last := len(*u) - 1
	for last >= 0 && p >= (*u)[last]+afterSlash {
		last--
	}
	*u = (*u)[:last+1]
}

// afterSlash is the letter that comes after the one that ends a directory's name.
const afterSlash = "0"
