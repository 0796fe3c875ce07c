package agent

import (
	"context"
	"fmt"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/file"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// orderOf turns a configured folder into the order of its files.
func orderOf(f *config.Folder) (syncer.Order, error) {
	last, err := watcher.NewGlobs(f.Last)
	if err != nil {
		return syncer.Order{}, fmt.Errorf("folder %s: last: %w", f.Name, err)
	}
	return syncer.Order{By: syncer.By(f.Order), Sequential: f.Sequential, Last: last}, nil
}

// looksAt has a folder know what its watcher sees, and its watcher what needs no look any more.
func looksAt(folder *syncer.Folder, w *watcher.Watcher) {
	folder.Unsettled, folder.Survey = w.Unsettled, w.Survey
	folder.Complete = w.Complete
}

// ordersOf returns the turns that a configuration asks for, for what is planned already.
func ordersOf(c *config.Config) ([]state.FolderOrder, error) {
	var orders []state.FolderOrder
	for i := range c.Folders {
		f := &c.Folders[i]
		order, err := orderOf(f)
		if err != nil {
			return nil, err
		}
		orders = append(orders, state.FolderOrder{Folder: f.Name, Rules: order.Rules(), Turn: order.Turn})
	}
	return orders, nil
}

// turn returns the turn of a file that is planned by a command.
func (m *commander) turn(folder string, p file.Path, print file.Fingerprint) (state.Turn, error) {
	f, ok := m.config.Folder(folder)
	if !ok {
		return state.Turn{}, nil
	}
	order, err := orderOf(f)
	return order.Turn(p, print), err
}

// explainWaits tells what a file waits for by the order of its folder.
func explainWaits(ctx context.Context, r *control.RouteOf, f *folder, store syncer.WaitStore, record *state.Record) error {
	switch r.State {
	case "held", "parked", "failed":
		if f.rules.Order.Sequential {
			r.Reason += "; by strict order, what is behind it waits"
		}
	}
	if r.State != "queued" && r.State != "failed" {
		return nil
	}
	for i := range record.Intents {
		in := &record.Intents[i]
		if in.ID != r.ID {
			continue
		}
		o, err := syncer.WaitsFor(ctx, store, f.rules, f.planner, in)
		if err != nil || o == nil {
			return err
		}
		r.State, r.NextAttempt = "waits", nil
		r.Reason = o.Waits() + waitHint(o)
	}
	return nil
}

// waitHint says what a person can do about what others wait for.
func waitHint(o *syncer.Obstacle) string {
	switch o.What {
	case syncer.IsHeld, syncer.IsParked:
		return "; `dropferry retry " + o.ID + "` tries it again, `dropferry cancel " + o.ID + "` lets what waits pass"
	}
	return ""
}

// showWaiting adds to the status what waits for more than its turn.
func showWaiting(ctx context.Context, s *control.Status, store *state.Store, folders []*folder, counts []state.Count) error {
	for i, f := range folders {
		for _, route := range f.rules.Routes {
			open := 0
			for _, c := range counts {
				if c.Folder == f.rules.Name && c.Destination == route.Destination {
					open = c.Planned
				}
			}
			all, err := syncer.Waiting(ctx, store, f.rules, f.planner, route.Destination, open)
			if err != nil {
				return err
			}
			for j := range all {
				s.Folders[i].Waiting = append(s.Folders[i].Waiting, viewStandstill(&all[j], route.Destination))
			}
		}
	}
	return nil
}

func viewStandstill(w *syncer.Standstill, destination string) control.Standstill {
	return control.Standstill{
		Destination: destination, Rule: string(w.Rule), Files: w.Files, Path: string(w.Path), PathB64: raw(w.Path), ID: w.ID,
		State: string(w.What), Reason: w.Sentence() + waitHint(&w.Obstacle),
	}
}
