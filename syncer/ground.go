package syncer

import (
	"context"
	"io/fs"
	"os"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// ground is what a folder stands on: its root, and the numbers by which the root's file system is on record. A file that is
// not found has left the folder only if the file system that it lay on is there. But a file system may have another number
// after the machine was started anew; that it is the same one shows by its directory, which has the same inode and was made
// at the same moment.
type ground struct {
	folder *Folder
	root   file.Fingerprint // zero where the root cannot be read
	born   int64
	were   map[uint64]bool // numbers that the root's file system has had
	noted  bool            // the one that it has now is on record
	lost   []file.Path     // where something was mounted that is not any more
	spells *file.Spelling
}

// rootReader has what is on record of roots.
type rootReader interface {
	Roots(ctx context.Context, folder, root string) ([]state.Root, error)
	Mounts(ctx context.Context, folder, root string, links bool) ([]file.Path, error)
}

// groundOf looks at a folder's root, and reads what is on record of it.
func groundOf(ctx context.Context, store rootReader, f *Folder) (ground, error) {
	g := ground{folder: f, spells: file.NewSpelling()}
	d, err := os.Open(f.Root)
	if err != nil {
		return g, nil //nolint:nilerr // nothing has left a root that cannot be read
	}
	defer d.Close() //nolint:errcheck // opened for reading
	if g.root, err = file.OfHandle(d); err != nil {
		return g, nil //nolint:nilerr // see above
	}
	g.born = birthOf(d)
	rows, err := store.Roots(ctx, f.Name, f.Root)
	for _, r := range rows {
		if r.Inode != g.root.Inode || r.Born != g.born {
			continue // another directory, as under a disk that is not mounted
		}
		if g.were == nil {
			g.were = map[uint64]bool{}
		}
		g.were[r.Dev] = true
	}
	g.noted = g.were[g.root.Dev]
	if err != nil {
		return g, err
	}
	places, err := store.Mounts(ctx, f.Name, f.Root, f.FollowLinks)
	g.lost = watcher.Unmounted(f.Root, places)
	return g, err
}

func (g *ground) stands() bool { return g.root != (file.Fingerprint{}) }

// note puts the root on record.
func (g *ground) note(ctx context.Context, store cycleStore, p *Planner) error {
	if g.noted || !g.stands() || g.root.Dev == 0 {
		return nil
	}
	g.noted = true
	return store.SaveRoot(ctx, state.Root{
		Folder: g.folder.Name, Root: g.folder.Root, Dev: g.root.Dev, Inode: g.root.Inode, Born: g.born, At: p.now(),
	})
}

// now returns the number of a file system as it is now.
func (g *ground) now(dev uint64) uint64 {
	if g.were[dev] {
		return g.root.Dev
	}
	return dev
}

// hasLeft tells whether something that is not found, and lay on a file system of that number, has left the folder. Where that
// file system does not show, because it is not mounted, nothing is known of the file: what was delivered must not be
// forgotten, or all of it would be sent again when the file system is back.
func (g *ground) hasLeft(p file.Path, dev uint64) bool {
	p = g.folder.real(p) // a link may lead to where nothing is mounted any more
	if underAny(p, g.lost) || g.isBehindLink(p) {
		return false
	}
	was := g.now(dev)
	for dir := p.Dir(); ; dir = dir.Dir() {
		now, err := ofDirectory(dir.In(g.folder.Root))
		switch {
		case err == nil:
			return was == 0 || now.Dev == 0 || now.Dev == was
		case !isNotThere(err), dir == "":
			return false
		}
	}
}

// isBehindLink tells whether a link that is not followed stands in place of a directory above p, wherever it leads: what was there
// may have been put elsewhere, and is as unknown as what a disk holds that is not mounted.
func (g *ground) isBehindLink(p file.Path) bool { return g.folder.isBehindLink(p) }

func (f *Folder) isBehindLink(p file.Path) bool {
	for dir := p.Dir(); dir != ""; dir = dir.Dir() {
		if info, err := os.Lstat(dir.In(f.Root)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// Replaced tells whether something stands in the place of a file, or of a directory above it, that is neither: a link that is not
// followed, say. The file may have been put elsewhere, and is unknown; its copies at destinations stay as they are.
func (f *Folder) Replaced(p file.Path) bool {
	real := f.real(p)
	info, err := os.Lstat(real.In(f.Root))
	return err == nil && !info.IsDir() && !info.Mode().IsRegular() || f.isBehindLink(real)
}

// fileHasLeft tells whether a file has surely left the folder. A directory may stand in its place, or a link that leads to one, or
// to nothing. What is a file there, or anything else, has not: a pattern may exclude it by now. One of another spelling is
// another file.
func (g *ground) fileHasLeft(p file.Path, dev uint64) bool {
	info, err := os.Lstat(p.In(g.folder.Root))
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Lstat(g.folder.real(p).In(g.folder.Root)) // the link itself where it is not followed
	}
	if err == nil && !info.IsDir() && !g.spells.IsAnother(g.folder.Root, p) || err != nil && !isNotThere(err) {
		return false
	}
	return g.hasLeft(p, dev)
}

// holdsDir tells whether a directory is in the folder, under this spelling.
func (g *ground) holdsDir(p file.Path) bool {
	real, ok := g.directory(p)
	return ok && isDir(real.In(g.folder.Root)) && !g.spells.IsAnother(g.folder.Root, p)
}

// lacksDir tells whether there is surely none.
func (g *ground) lacksDir(p file.Path) bool {
	real, ok := g.directory(p)
	if underAny(real, g.lost) {
		return false
	}
	return !ok || isGoneDir(real.In(g.folder.Root)) || isDir(real.In(g.folder.Root)) && g.spells.IsAnother(g.folder.Root, p)
}

// directory returns where a directory would lie, if it is reached through links. ok is false of a link to where it lies itself, which
// nobody follows.
func (g *ground) directory(p file.Path) (real file.Path, ok bool) {
	real = g.folder.real(p)
	return real, real != "" && !p.Under(real) || real == p
}

// ofDirectory returns the fingerprint of a directory, links followed.
func ofDirectory(name string) (file.Fingerprint, error) {
	d, err := os.Open(name)
	if err != nil {
		return file.Fingerprint{}, err
	}
	defer d.Close() //nolint:errcheck // opened for reading
	return file.OfHandle(d)
}
