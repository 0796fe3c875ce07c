package watcher

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/dropferry/dropferry/file"
)

var (
	errNotDir  = errors.New("not a directory")
	errNotFile = errors.New("not a regular file")
)

// stat is what the operating system says of one name.
type stat struct {
	file.Fingerprint
	mode fs.FileMode // type bits only
}

func (s stat) kind() Kind {
	switch {
	case s.mode.IsRegular():
		return File
	case s.mode.IsDir():
		return Dir
	default:
		return Other
	}
}

// skipped is why something that is neither file nor directory is left out.
func (s stat) skipped() string {
	switch {
	case s.mode&fs.ModeSymlink != 0:
		return "symbolic link: not followed"
	case s.mode&fs.ModeNamedPipe != 0:
		return "FIFO: skipped"
	case s.mode&fs.ModeSocket != 0:
		return "socket: skipped"
	case s.mode&fs.ModeDevice != 0:
		return "device: skipped"
	default:
		return "not a regular file: skipped"
	}
}

// dirent is one name in a directory.
type dirent struct {
	name string
	kind Kind
}

// spares keeps slices of directory entries for use by the next directory.
type spares struct {
	free [][]dirent
	step func() // is called with each part of a directory that is read, which may hold a million names; nil: nobody asks
}

func (s *spares) stepped() {
	if s.step != nil {
		s.step()
	}
}

func (s *spares) room(n int) []dirent {
	if last := len(s.free) - 1; last >= 0 {
		ents := s.free[last]
		s.free = s.free[:last]
		if cap(ents) >= n {
			return ents[:0]
		}
	}
	return make([]dirent, 0, n)
}

// maxSpare keeps one huge directory from holding its room for the rest of the walk.
const maxSpare = 4096

func (s *spares) giveBack(ents []dirent) {
	if cap(ents) > 0 && cap(ents) <= maxSpare {
		clear(ents) // the names of a whole directory are one string
		s.free = append(s.free, ents)
	}
}

// descent reaches directories of one folder by path, and keeps those above the last one open: names come in order,
// so most share their directory with the name before.
type descent struct {
	root   *dir
	below  []level
	follow bool // links that lead to a place in the folder
}

type level struct {
	name string
	dir  *dir
}

// descend opens the folder at root. It is closed after use: an open directory keeps its file system from being unmounted.
func descend(root string) (*descent, error) {
	d, err := openRoot(root)
	if err != nil {
		return nil, err
	}
	return &descent{root: d}, nil
}

// to opens the directory p, which is known to lie in the folder. It stays open until the descent goes elsewhere or is
// closed.
func (d *descent) to(p file.Path) (*dir, error) {
	rest, depth, at := string(p), 0, d.root
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if depth < len(d.below) && d.below[depth].name == name {
			at = d.below[depth].dir
			depth++
			continue
		}
		d.cut(depth)
		next, err := at.enter(name)
		if err != nil {
			return nil, err
		}
		d.below = append(d.below, level{name: name, dir: next})
		at = next
		depth++
	}
	d.cut(depth)
	return at, nil
}

// parent opens the directory that holds p, which is not the root, and returns the name of p in it: where links are
// followed, the directory that holds what p leads to. A path that leads out of the folder does not exist.
func (d *descent) parent(p file.Path) (in *dir, name string, err error) {
	in, name, _, err = d.find(p)
	return in, name, err
}

// find is parent, and returns what p leads to: p itself where links are not followed.
func (d *descent) find(p file.Path) (in *dir, name string, real file.Path, err error) {
	if !filepath.IsLocal(filepath.FromSlash(string(p))) {
		return nil, "", p, &fs.PathError{Op: "open", Path: string(p), Err: fs.ErrNotExist}
	}
	real = p
	if d.follow {
		if real, err = d.real(p); err != nil {
			return nil, "", p, err
		}
		if real == "" || p.Under(real) {
			return nil, "", p, errLinkAbove
		}
	}
	in, err = d.to(real.Dir())
	return in, real.Base(), real, err
}

// cut closes what is deeper than depth elements.
func (d *descent) cut(depth int) {
	for _, l := range d.below[depth:] {
		l.dir.close()
	}
	d.below = d.below[:depth]
}

func (d *descent) close() {
	d.cut(0)
	d.root.close()
}

// isGone tells whether err says that a path does not exist: because a name is missing, or because what should be a
// directory on the way is not one.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir) || errors.Is(err, errLink)
}

// isNotFile tells whether open failed because something else stands there than a regular file.
func isNotFile(err error) bool { return errors.Is(err, errNotFile) }
