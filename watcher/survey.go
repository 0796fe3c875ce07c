package watcher

import (
	"context"
	"fmt"

	"github.com/dropferry/dropferry/file"
)

// Survey looks at the files in and below the directory below, "" for the root, as they are at this moment, and gives them to yield in
// byte-wise order of their paths, until that returns false: those that the rules take, ready or not, and places with an Err
// that could not be read. It tells nobody else, and may be called at any time from anywhere: it is for who must not rely on
// hints, which may be late. A directory that is gone holds nothing. It fails if the folder cannot be read, and if ctx ends.
func (w *Watcher) Survey(ctx context.Context, below file.Path, yield func(Entry) bool) error {
	if err := w.survey(ctx, below, yield); err != nil {
		return fmt.Errorf("look through %s: %w", below.In(w.rules.Root), err)
	}
	return ctx.Err()
}

func (w *Watcher) survey(ctx context.Context, below file.Path, yield func(Entry) bool) error {
	way, err := w.descend()
	if err != nil {
		return err
	}
	defer way.close()
	walk := &walk{ctx: ctx, match: w.match, now: w.now, yield: func(e Entry, _ *dir, _ string) bool {
		isFile := e.Kind == File && !w.staysMarker(e.Path)
		return !isFile && e.Err == nil || yield(e)
	}}
	at := branch{path: below, real: below, dir: way.root}
	if way.follow {
		links, err := w.descend()
		if err != nil {
			return err
		}
		defer links.close()
		walk.links = links
	}
	if below != "" {
		in, name, real, err := way.find(below)
		if err == nil {
			at.dir, err = in.enter(name)
		}
		if err != nil {
			return unlessGone(err)
		}
		defer at.dir.close()
		if at.real = real; real != below {
			at.from = []file.Path{real.Dir()}
		}
	}
	st, err := at.dir.stat()
	if err != nil {
		return unlessGone(err)
	}
	walk.tree(at, st)
	return nil
}

func unlessGone(err error) error {
	if isGone(err) {
		return nil
	}
	return err
}

// Unsettled calls yield with each file that is settling now, in no order, until it returns false. It may be called at any
// time from anywhere; yield must not call the Watcher.
func (w *Watcher) Unsettled(yield func(Entry) bool) { w.settling.each(yield) }
