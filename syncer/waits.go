package syncer

import (
	"context"

	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
)

// WaitStore is what telling who waits for what needs of the state.
type WaitStore interface {
	lineStore
	Intents(ctx context.Context, folder, destination string, limit int, phases ...state.Phase) ([]state.Intent, error)
	CountLast(ctx context.Context, r state.Route, o state.Ordered) (int, error)
}

// WaitsFor returns what a planned intent waits for by the order of its folder; nil where it does not. p is the folder's
// planner, nil where nobody watches.
func WaitsFor(ctx context.Context, store WaitStore, f *Folder, p *Planner, in *state.Intent) (*Obstacle, error) {
	seat := f.Order.seatOf(in)
	if in.Phase != state.Planned || !f.Order.Sequential && !seat.last() {
		return nil, nil
	}
	s, err := sceneOf(ctx, store, f, in.Destination, p)
	if err != nil || s == nil {
		return nil, err
	}
	if seat.last() {
		if o, err := s.beforeLast(ctx, store, f, p, in); o != nil || err != nil {
			return o, err
		}
	}
	if !f.Order.Sequential {
		return nil, nil
	}
	next, stop := s.next(func(*state.Group) bool { return false })
	switch {
	case stop != nil && stop.ID != in.ID:
		return stop, nil
	case next != nil && next.ID != in.ID:
		return obstacleOf(RuleSequential, next), nil
	}
	return nil, nil
}

// beforeLast returns what one file waits for that goes last: rather what needs a person than what needs time.
func (s *scene) beforeLast(ctx context.Context, store WaitStore, f *Folder, p *Planner, in *state.Intent) (*Obstacle, error) {
	seat := s.order.seatOf(in)
	aside, err := store.Intents(ctx, in.Folder, in.Destination, maxAside, state.Held, state.Parked)
	if err != nil {
		return nil, err
	}
	if o := s.among(aside, seat); o != nil {
		return o, nil
	}
	for i := range s.line.Groups {
		g := &s.line.Groups[i]
		if g.Kind != seat.kind || g.Dir != in.Path.Dir() {
			continue
		}
		if o := s.beforeGroup(g); o != nil {
			return o, nil
		}
	}
	if o := s.lastSeen(in); o != nil {
		return o, nil
	}
	return (&survey{store: store, folder: f, destination: in.Destination, last: seat, planner: p}).run(ctx)
}

// maxAside is how many files are looked at that need a person.
const maxAside = 1000

// among returns the first intent that a file waits for which goes last.
func (s *scene) among(aside []state.Intent, last seat) *Obstacle {
	for i := range aside {
		if last.waitsFor(s.order.seatOf(&aside[i])) {
			return obstacleOf(RuleLast, &aside[i])
		}
	}
	return nil
}

// Standstill is files of one route that wait by the order of their folder.
type Standstill struct {
	Obstacle
	Files int // that wait
}

// Waiting returns what waits at a destination for more than its turn: by strict order, and because it goes last. open is how
// many intents of the route are planned.
func Waiting(ctx context.Context, store WaitStore, f *Folder, p *Planner, destination string, open int) ([]Standstill, error) {
	if !f.Order.Sequential && f.Order.Last.Len() == 0 {
		return nil, nil
	}
	s, err := sceneOf(ctx, store, f, destination, p)
	if err != nil || s == nil {
		return nil, err
	}
	var all []Standstill
	if f.Order.Sequential {
		next, stop := s.next(func(*state.Group) bool { return false })
		if stop == nil && next != nil && fails(next) {
			stop = obstacleOf(RuleSequential, next)
		}
		if stop != nil && stop.What != IsQueued {
			behind := open
			if next.ID == stop.ID && next.Phase == state.Planned {
				behind--
			}
			all = append(all, Standstill{*stop, behind})
		}
	}
	if len(s.line.Groups) == 0 {
		return all, nil
	}
	aside, err := store.Intents(ctx, f.Name, destination, maxAside, state.Held, state.Parked)
	if err != nil {
		return nil, err
	}
	var found *Obstacle
	for i := range s.line.Groups {
		g := &s.line.Groups[i]
		o := s.among(aside, s.order.seatOf(g.First))
		if o == nil {
			o = s.beforeGroup(g)
		}
		if o == nil {
			o = s.lastSeen(g.First)
		}
		if o != nil && o.What != IsQueued && (found == nil || !found.Troubled() && o.Troubled()) {
			found = o
		}
	}
	if found == nil {
		return all, nil
	}
	n, err := store.CountLast(ctx, state.Route{Folder: f.Name, Destination: destination}, f.Order.ordered())
	return append(all, Standstill{*found, n}), err
}

// IsLast tells whether a file goes last in its folder.
func (o *Order) IsLast(p file.Path) bool { return o.seat(p, file.Fingerprint{}).last() }
