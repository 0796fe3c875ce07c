package agent

import (
	"context"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// verifyPage is how many files are read from the store, and then looked at, at once. One hash command takes as many.
const verifyPage = 512

// expectedPages reads what a route should hold from the store: what is known of it, or the newest receipts.
type expectedPages struct {
	store  *state.Store
	route  state.Route
	ledger bool
	after  string // the last path, or remote name, that was read
	ended  bool
}

// next returns some files, none at the end.
func (p *expectedPages) next(ctx context.Context) ([]state.Expected, error) {
	if !p.ledger {
		page, err := p.store.KnownAfter(ctx, p.route, file.Path(p.after), verifyPage)
		if len(page) > 0 {
			p.after = string(page[len(page)-1].Path)
		}
		return page, err
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
	if p.ledger {
		return p.store.PublishedAt(ctx, p.route, x.RemotePath)
	}
	return p.store.ExpectedAt(ctx, p.route, x.Path)
}

// rest returns how many are left.
func (p *expectedPages) rest(ctx context.Context) (int, error) {
	switch {
	case p.ended:
		return 0, nil
	case p.ledger:
		return p.store.CountPublishedAfter(ctx, p.route, p.after)
	}
	return p.store.CountKnownAfter(ctx, p.route, file.Path(p.after))
}
