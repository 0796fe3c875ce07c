package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dropferry/dropferry/file"
)

// errLink is of a link that is not followed although links are.
var errLink = errors.New("symbolic link")

var (
	errLinkOut   = fmt.Errorf("%w: it leads out of the folder", errLink)
	errLinkLoop  = fmt.Errorf("%w: it leads in a circle", errLink)
	errLinkAbove = fmt.Errorf("%w: it leads to a directory that it lies in", errLink)
	errLinkMany  = fmt.Errorf("%w: it lies behind too many others", errLink)
)

const (
	maxLinks     = 40 // that one path is resolved through, as in Linux
	maxLinkDepth = 8  // of directories reached through links, one in another: a few links can make a huge tree
)

// real returns the path without links that p stands for. Every step is taken from a directory that is known to lie in
// the folder, and is itself no link: what comes out lies in the folder, whatever is replaced meanwhile.
func (d *descent) real(p file.Path) (file.Path, error) {
	at, _, err := d.resolve(p)
	if err != nil {
		return "", err
	}
	return at, nil
}

// Real returns the path without links that p stands for in the folder at root, as far as there is something on the way to it: names that are
// missing stay as they are. It is p itself where links lead out of the folder, and where that cannot be told.
func Real(root string, p file.Path) file.Path {
	way, err := descend(root)
	if err != nil {
		return p
	}
	defer way.close()
	return way.leadsTo(p)
}

// leadsTo is Real.
func (d *descent) leadsTo(p file.Path) file.Path {
	at, rest, err := d.resolve(p)
	switch {
	case err == nil:
		return at
	case errors.Is(err, errLink) || !isGone(err):
		return p
	}
	real := filepath.Join(string(at), filepath.FromSlash(rest)) // without what says nothing; no name is known to be a link
	if !filepath.IsLocal(real) {
		return p
	}
	return file.Path(filepath.ToSlash(real))
}

// resolve is real, and returns how far it came where it fails: what is left of the path then.
func (d *descent) resolve(p file.Path) (at file.Path, rest string, err error) {
	rest, links := string(p), 0
	for rest != "" {
		var name string
		left := rest
		name, rest, _ = strings.Cut(rest, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			if at == "" {
				return at, left, errLinkOut
			}
			at = at.Dir()
			continue
		}
		in, err := d.to(at)
		if err != nil {
			return at, left, err
		}
		st, err := in.lstat(name)
		if err != nil {
			return at, left, err
		}
		if st.mode&fs.ModeSymlink == 0 {
			at = at.Join(name)
			continue
		}
		if links++; links > maxLinks {
			return at, left, errLinkLoop
		}
		target, err := in.readlink(name)
		if err != nil {
			return at, left, err
		}
		to, beyond, err := d.join(at, target, rest)
		if err != nil {
			return at, left, err
		}
		at, rest = to, beyond
	}
	return at, "", nil
}

// join puts the target of a link in the directory at in place of the link, before the rest of a path.
func (d *descent) join(at file.Path, target, rest string) (file.Path, string, error) {
	if filepath.IsAbs(target) {
		below, ok := file.Rel(d.root.path, target)
		if !ok { // the root may have been reached through a link itself
			if root, err := filepath.EvalSymlinks(d.root.path); err == nil {
				below, ok = file.Rel(root, target)
			}
		}
		if !ok {
			return "", "", errLinkOut
		}
		return "", string(below) + "/" + rest, nil
	}
	target = filepath.ToSlash(target)
	if filepath.VolumeName(target) != "" || strings.HasPrefix(target, "/") {
		return "", "", errLinkOut
	}
	if rest == "" {
		return at, target, nil
	}
	return at, target + "/" + rest, nil
}

// linkReason says in words why a link is not followed, by an error that is known to say so.
func linkReason(err error) string {
	switch {
	case errors.Is(err, errLink):
		return err.Error() + ": not followed"
	default:
		return errLink.Error() + ": it leads nowhere"
	}
}

// leadsNowhere tells whether err says that there is nothing to follow a link to; else what it leads to is unknown.
func leadsNowhere(err error) bool { return isGone(err) || errors.Is(err, syscall.ENAMETOOLONG) }

// links has the links that were followed, by where they lead: what happens there happens under their names, too.
type links struct {
	to map[file.Path][]file.Path // by target; a link that was made to lead elsewhere since the last scan may stay here
	of map[file.Path]file.Path   // the target, by link
}

func newLinks() *links { return &links{to: map[file.Path][]file.Path{}, of: map[file.Path]file.Path{}} }

// add notes a link. It may be called again for one that is known.
func (l *links) add(link, target file.Path) {
	if before, known := l.of[link]; known && before == target {
		return
	}
	l.of[link] = target
	l.to[target] = append(l.to[target], link)
}

// forget empties the set.
func (l *links) forget() {
	clear(l.to)
	clear(l.of)
}

// names returns the other names by which what is at p can be reached.
func (l *links) names(p file.Path) []file.Path {
	if len(l.to) == 0 {
		return nil
	}
	var found []file.Path
	seen := map[file.Path]bool{p: true}
	for depth, level := 0, []file.Path{p}; len(level) > 0 && depth < maxLinkDepth; depth++ {
		var next []file.Path
		for _, q := range level {
			for dir := q; dir != ""; dir = dir.Dir() {
				for _, link := range l.to[dir] {
					name := link + q[len(dir):]
					if !seen[name] {
						seen[name] = true
						next = append(next, name)
					}
				}
			}
		}
		found = append(found, next...)
		level = next
	}
	return found
}
