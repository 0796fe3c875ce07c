package watcher

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/dropferry/dropferry/file"
)

// Extent is what watching a folder would take.
type Extent struct {
	Directories int    // each takes a watch
	Complete    bool   // all were counted
	FileSystem  string // local, FUSE or network
	Unreadable  error  // the first directory that could not be read
}

// errEnough ends a count.
var errEnough = errors.New("enough")

// MeasureExtent counts the directories of a folder, at most so many, until ctx ends. It follows no links.
func MeasureExtent(ctx context.Context, rules Rules, most int) (Extent, error) {
	match, err := newMatcher(rules, foldNames)
	if err != nil {
		return Extent{}, err
	}
	root, err := openRoot(rules.Root)
	if err != nil {
		return Extent{}, err
	}
	s := Extent{FileSystem: root.fileSystem().String()}
	root.close()
	err = filepath.WalkDir(rules.Root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil || s.Directories >= most:
			return errEnough
		case err != nil:
			if s.Unreadable == nil && !errors.Is(err, fs.ErrNotExist) {
				s.Unreadable = err
			}
			return nil // what is below it cannot be seen; all else can
		case !d.IsDir():
			return nil
		}
		if rel, inside := file.Rel(rules.Root, name); inside && rel != "" {
			if _, excluded := match.dir(rel); excluded {
				return filepath.SkipDir
			}
		}
		s.Directories++
		return nil
	})
	s.Complete = err == nil
	if errors.Is(err, errEnough) {
		err = nil
	}
	return s, err
}

// FileSystemOf tells whether a directory is on a local disk: local, FUSE or network.
func FileSystemOf(dir string) (string, error) {
	d, err := openRoot(dir)
	if err != nil {
		return "", err
	}
	defer d.close()
	return d.fileSystem().String(), nil
}
