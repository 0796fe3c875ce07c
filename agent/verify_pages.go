package agent

import (
	"context"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// verifyPage is how many files are read from the store, and then looked at, at once. One hash command takes as many.
const verifyPage = 512

// expectedPages reads what a route should hold from the store: what is known of it, and the directories that it has besides, or the
// newest receipts.
type expectedPages struct {
	store  *state.Store
	route  state.Route
	ledger bool
	after  string // the last path, or remote name, that was read
	ended  bool   // there are no more files

	dirs []state.Expected // that are left, once there are no more files; of those there are as many as a scan holds
}

// next returns some files or directories, none at the end.
func (p *expectedPages) next(ctx context.Context) ([]state.Expected, error) {
	if !p.ledger && !p.ended {
		page, err := p.store.KnownAfter(ctx, p.route, file.Path(p.after), verifyPage)
		if err != nil || len(page) > 0 {
			if len(page) > 0 {
				p.after = string(page[len(page)-1].Path)
			}
			return page, err
		}
		p.ended = true
		if p.dirs, err = p.store.MadeDirs(ctx, p.route); err != nil {
			return nil, err
		}
	}
	if !p.ledger {
		n := min(len(p.dirs), verifyPage)
		page := p.dirs[:n]
		p.dirs = p.dirs[n:]
		return page, nil
	}
	for !p.ended {
		page, last, err := p.store.PublishedAfter(ctx, p.route, p.after, verifyPage)
		if err != nil {
			return nil, err
		}
		p.after, p.ended = last, last == ""
		if len(page) > 0 {
			return page, nil
		}
	}
	return nil, nil
}

// again reads one of them once more; false where it is there no more.
func (p *expectedPages) again(ctx context.Context, x *state.Expected) (state.Expected, bool, error) {
	switch {
	case p.ledger:
		return p.store.PublishedAt(ctx, p.route, x.RemotePath)
	case x.Dir:
		return p.store.MadeDir(ctx, p.route, x.Path)
	}
	return p.store.ExpectedAt(ctx, p.route, x.Path)
}

// rest returns how many are left.
func (p *expectedPages) rest(ctx context.Context) (int, error) {
	switch {
	case p.ended:
		return len(p.dirs), nil
	case p.ledger:
		return p.store.CountPublishedAfter(ctx, p.route, p.after)
	}
	n, err := p.store.CountKnownAfter(ctx, p.route, file.Path(p.after))
	if err != nil {
		return 0, err
	}
	dirs, err := p.store.MadeDirs(ctx, p.route)
	return n + len(dirs), err
}
