package syncer

import (
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// A directory with a file in it comes and goes at the destinations with the file. Those without any are made there, and
// when they have left the folder they are removed there, if they are empty; so are directories whose last files were
// removed. What is on record of directories is about these alone.

// dirKey is one directory at one destination.
type dirKey struct {
	path        file.Path
	destination string
}

// directories plans which directories are to be made, and notes which are missing.
func (p *Planner) directories(ctx context.Context, c *census) error {
	f := p.folder
	known, err := p.store.Dirs(ctx, f.Name)
	if err != nil {
		return err
	}
	left := c.leftBehind(known)
	if err := p.store.SaveDirs(ctx, left); err != nil {
		return err
	}
	var full []state.Dir
	for _, d := range append(known, left...) {
		switch _, empty := c.empty[d.Path]; {
		case empty:
		case c.ground.holdsDir(d.Path):
			full = append(full, d)
		case f.Deletes:
			c.missDir(&d)
		}
	}
	// One without a known file stays on record: what has made it there may never be published.
	if err := p.store.ForgetDirs(ctx, full); err != nil {
		return err
	}
	unmade := c.unmade(known)
	if err := p.store.SaveDirs(ctx, unmade); err != nil { // so that what is made and cut off there is known of
		return err
	}
	mkdirs := make([]state.Operation, len(unmade))
	for i, d := range unmade {
		mkdirs[i] = p.operation(state.StepMkdir, d.Destination, d.Path, d.RemotePath, c)
	}
	return p.planOperations(ctx, mkdirs)
}

// leftBehind returns the directories that files of ours have left empty, as far as they are not on record.
func (c *census) leftBehind(known []state.Dir) []state.Dir {
	recorded := make(map[dirKey]bool, len(known))
	for i := range known {
		recorded[dirKey{known[i].Path, known[i].Destination}] = true
	}
	var all []state.Dir
	for _, dir := range slices.Sorted(maps.Keys(c.gone)) {
		for _, r := range c.folder.Routes {
			if _, had := c.gone[dir][r.Destination]; !had || recorded[dirKey{dir, r.Destination}] {
				continue
			}
			all = append(all, state.Dir{
				Route: state.Route{Folder: c.folder.Name, Destination: r.Destination}, Path: dir, RemotePath: r.RemotePath(dir, time.Time{}),
			})
		}
	}
	return all
}

// missDir notes a directory that has left the folder.
func (c *census) missDir(d *state.Dir) {
	if underAny(d.Path, c.unknown) || !c.ground.hasLeft(d.Path, d.Dev) || !c.ground.lacksDir(d.Path) {
		return
	}
	if n := len(c.absent); n == 0 || c.absent[n-1].Path != d.Path || !c.absent[n-1].Dir {
		c.absent = append(c.absent, state.Absent{Path: d.Path, Dir: true})
	}
}

// leaveDirs puts on record that a file of ours leaves its directories at a destination, or has made some there and is not
// published after all. The next scan shows which of them are still in the folder.
func leaveDirs(ctx context.Context, store Store, f *Folder, destination string, p file.Path) error {
	if r, ok := f.route(destination); ok && f.Mirror && f.Deletes {
		return store.SaveDirs(ctx, dirsAbove(f, r, p))
	}
	return nil
}

// dirsAbove returns the directories above a file at a route's destination.
func dirsAbove(f *Folder, r Route, p file.Path) []state.Dir {
	var all []state.Dir
	for dir := p.Dir(); dir != ""; dir = dir.Dir() {
		all = append(all, state.Dir{
			Route: state.Route{Folder: f.Name, Destination: r.Destination}, Path: dir, RemotePath: r.RemotePath(dir, time.Time{}),
		})
	}
	return all
}

// unmade returns the empty directories that we have not made at their destinations.
func (c *census) unmade(known []state.Dir) []state.Dir {
	made := make(map[dirKey]string, len(known))
	for i := range known {
		if d := &known[i]; d.Made {
			made[dirKey{d.Path, d.Destination}] = d.RemotePath
		}
	}
	var all []state.Dir
	for _, dir := range slices.Sorted(maps.Keys(c.empty)) {
		for _, r := range c.folder.Routes {
			if to := r.RemotePath(dir, time.Time{}); made[dirKey{dir, r.Destination}] != to {
				all = append(all, state.Dir{Route: state.Route{Folder: c.folder.Name, Destination: r.Destination}, Path: dir, RemotePath: to})
			}
		}
	}
	return all
}

// rmdirs plans the removal of directories that are missing for long enough.
func (p *Planner) rmdirs(ctx context.Context, c *census, before time.Time) error {
	ripe, err := p.store.RipeDirs(ctx, p.folder.Name, before)
	if err != nil {
		return err
	}
	var all []state.Operation
	for i := range ripe {
		d := &ripe[i]
		if r, ok := p.folder.route(d.Destination); ok && d.RemotePath == r.RemotePath(d.Path, time.Time{}) {
			all = append(all, p.operation(state.StepRmdir, d.Destination, d.Path, d.RemotePath, c))
		}
	}
	return p.planOperations(ctx, all)
}

func isDir(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.IsDir()
}
