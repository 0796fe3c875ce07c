package syncer

import (
	"context"

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
	if in.Phase != state.Planned {
		return nil, nil
	}
	if seat.last() {
		if o, err := lastWaitsFor(ctx, store, f, p, in); o != nil || err != nil {
			return o, err
		}
	}
	if !f.Order.Sequential {
		return nil, nil
	}
	s, err := sceneOf(ctx, store, f, in.Destination, p, nil, func(s *scene, g *state.Group) bool { return s.waitsFor(g) != nil })
	if err != nil || s == nil {
		return nil, err
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

// lastWaitsFor returns what one file waits for that goes last: rather what needs a person than what needs time.
func lastWaitsFor(ctx context.Context, store WaitStore, f *Folder, p *Planner, in *state.Intent) (*Obstacle, error) {
	seat := f.Order.seatOf(in)
	aside, err := store.Intents(ctx, in.Folder, in.Destination, maxAside, state.Held, state.Parked)
	if err != nil {
		return nil, err
	}
	if o := f.Order.among(aside, seat); o != nil {
		return o, nil
	}
	if o, err := beforeLast(ctx, store, f, p, in); o != nil || err != nil {
		return o, err
	}
	return (&survey{store: store, folder: f, destination: in.Destination, last: seat, planner: p}).run(ctx)
}

// maxAside is how many files are looked at that need a person.
const maxAside = 1000

// among returns the first intent that a file waits for which goes last.
func (o *Order) among(aside []state.Intent, last seat) *Obstacle {
	for i := range aside {
		if last.waitsFor(o.seatOf(&aside[i])) {
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

// maxGroups is how many directories with files that go last are looked at for one answer.
const maxGroups = 1000

// Waiting returns what waits at a destination for more than its turn: by strict order, and because it goes last. open is how
// many intents of the route are planned.
func Waiting(ctx context.Context, store WaitStore, f *Folder, p *Planner, destination string, open int) ([]Standstill, error) {
	var all []Standstill
	if f.Order.Sequential {
		s, err := sceneOf(ctx, store, f, destination, p, nil, func(s *scene, g *state.Group) bool { return s.waitsFor(g) != nil })
		if err != nil || s == nil {
			return nil, err
		}
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
	if f.Order.Last.Len() == 0 {
		return all, nil
	}
	found, err := lastWait(ctx, store, f, p, destination)
	if err != nil || found == nil {
		return all, err
	}
	n, err := store.CountLast(ctx, state.Route{Folder: f.Name, Destination: destination}, f.Order.ordered())
	return append(all, Standstill{*found, n}), err
}

// lastWait returns one thing that files wait for which go last: rather what needs a person than what needs time, and nothing
// that just has its turn first.
func lastWait(ctx context.Context, store WaitStore, f *Folder, p *Planner, destination string) (*Obstacle, error) {
	s, err := sceneOf(ctx, store, f, destination, p, &state.Group{}, func(s *scene, _ *state.Group) bool { return len(s.groups) < maxGroups })
	if err != nil || s == nil || len(s.groups) == 0 {
		return nil, err
	}
	aside, err := store.Intents(ctx, f.Name, destination, maxAside, state.Held, state.Parked)
	if err != nil {
		return nil, err
	}
	var found *Obstacle
	for i := range s.groups {
		g := &s.groups[i]
		o := f.Order.among(aside, f.Order.seatOf(g.First))
		if o == nil {
			o = s.waitsFor(g)
		}
		if o != nil && o.What != IsQueued && (found == nil || !found.Troubled() && o.Troubled()) {
			found = o
		}
	}
	return found, nil
}
