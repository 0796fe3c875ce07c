package syncer

import (
	"context"
	"errors"
	"time"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/watcher"
)

// errNotYet says that it is not a file's turn any more, now that it is about to begin.
type errNotYet struct{ obstacle *Obstacle }

func (e *errNotYet) Error() string { return "it waits for " + e.obstacle.Sentence() }

// mayGo looks once more whether it is the turn of a file, of a folder that has an order.
func (l *link) mayGo(ctx context.Context, f *Folder, in *state.Intent) error {
	seat := f.Order.seatOf(in)
	if f.Order.Sequential {
		if err := l.isNext(ctx, f, in); err != nil {
			return err
		}
	}
	if !seat.last() {
		return nil
	}
	planner := l.planner(f.Name)
	o, err := beforeLast(ctx, l.store, f, planner, in)
	if err == nil && o == nil {
		l.waits.mu.Lock()
		since, known := l.waits.given[in.ID]
		l.waits.mu.Unlock()
		if !known {
			since = time.Now()
		}
		look := &survey{store: l.store, folder: f, destination: l.name, last: seat, planner: planner}
		key := surveyKey{f.Name, in.Path.Dir(), seat.kind}
		o, err = l.waits.surveys.of(ctx, key, since, func() (*Obstacle, error) { return look.run(ctx) })
	}
	switch {
	case ctx.Err() != nil:
		return errNotBegun
	case err == nil && o != nil:
		return &errNotYet{o}
	}
	return err
}

// isNext makes sure that it is the turn of a file in strict order.
func (l *link) isNext(ctx context.Context, f *Folder, in *state.Intent) error {
	alone := func(g *state.Group) bool { return l.letAlone(f, g) }
	s, err := sceneOf(ctx, l.store, f, l.name, l.planner(f.Name), nil, func(s *scene, g *state.Group) bool {
		return s.waitsFor(g) != nil || alone(g)
	})
	if err != nil {
		return err
	}
	if s == nil { // stopped, or no longer there
		return errNotBegun
	}
	next, stop := s.next(alone)
	switch {
	case stop != nil:
		return &errNotYet{stop}
	case next == nil || next.ID != in.ID:
		return errNotBegun
	}
	return nil
}

// beforeLast returns what a file waits for that goes last, as far as that is known without a survey.
func beforeLast(ctx context.Context, store lineStore, f *Folder, p *Planner, in *state.Intent) (*Obstacle, error) {
	s := &scene{order: &f.Order, sight: p.seen()}
	seat := f.Order.seatOf(in)
	if f.Unsettled != nil { // before the store is asked: see sceneOf
		f.Unsettled(func(e watcher.Entry) bool {
			u := unready{f.Order.seat(e.Path, e.Fingerprint), e.Reason}
			if seat.waitsFor(u.seat) {
				s.unready = append(s.unready, u)
			}
			return len(s.unready) == 0
		})
	}
	ahead, err := store.Ahead(ctx, in.Route, f.Order.ordered(), seat.kind, in.Path.Dir())
	if err != nil {
		return nil, err
	}
	return s.waitsFor(&state.Group{Kind: seat.kind, Dir: in.Path.Dir(), First: in, Ahead: ahead}), nil
}

func isNotYet(err error) bool {
	_, is := errors.AsType[*errNotYet](err)
	return is
}

// notYet sees to a file whose turn it turned out not to be. What waits because it goes last is let alone for a while, with
// the others that wait for the same: with once for the rest of the run.
func (l *link) notYet(in *state.Intent, err error) {
	e, _ := errors.AsType[*errNotYet](err)
	f, o := l.folderOf(in), e.obstacle
	if o.Rule != RuleLast {
		return
	}
	until := l.clock().Add(waitLook)
	if l.once {
		until = until.AddDate(100, 0, 0)
	}
	key := surveyKey{f.Name, in.Path.Dir(), f.Order.seatOf(in).kind}
	l.waits.mu.Lock()
	if l.waits.putOff == nil {
		l.waits.putOff = map[surveyKey]time.Time{}
	}
	l.waits.putOff[key] = until
	l.waits.mu.Unlock()
	l.hasToWait(f, in, o)
}
