package agent

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/metrics"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
	"github.com/dropferry/dropferry/watcher"
)

// measure counts what the syncer tells.
func measure(m *metrics.Metrics, e syncer.Event) {
	switch e.Type {
	case syncer.EventPlanned:
		if !e.Changed.IsZero() {
			m.Ready(e.Folder, e.ReadyAt.Sub(e.Changed))
		}
	case syncer.EventDelivered:
		if r := e.Receipt; r != nil {
			m.Delivered(e.Folder, e.Destination, r.Size, r.DeliveredAt.Sub(e.ReadyAt))
		}
	case syncer.EventFailed:
		m.Failed(e.Destination, string(remote.KindOf(e.Err)))
	case syncer.EventHeld, syncer.EventParked:
		m.SetAside(e.Folder, e.Destination, string(e.Type))
	case syncer.EventConnected:
		m.Connected(e.Destination)
	case syncer.EventLost, syncer.EventBlocked:
		m.Lost(e.Destination, string(remote.KindOf(e.Err)))
	}
}

// beginCounters has those of all routes of a configuration begin at 0.
func (a *Agent) beginCounters(c *config.Config) {
	for _, r := range routesOf(c) {
		a.metrics.Begin(r.Folder, r.Destination)
	}
}

// gauge returns what is so now.
func (a *Agent) gauge(ctx context.Context) (now metrics.Now, err error) {
	counts, err := a.store.Counts(ctx)
	if err != nil {
		return now, err
	}
	halts, err := a.store.Halts(ctx)
	if err != nil {
		return now, err
	}
	for _, f := range a.current().folders {
		w := f.planner.Watching()
		view := folderStatus(f, counts)
		_, halted := haltOf(halts, view.Name)
		now.Folders = append(now.Folders, metrics.Folder{
			Name: view.Name, LastScan: w.LastScan, Readable: w.State != watcher.Waiting && w.State != watcher.Hanging, Reliable: !w.Unreliable,
			Polling: w.Polling, Halted: halted, Watches: w.Watches,
			Files: map[string]int{"ready": view.Ready, "held": view.Held, "parked": view.Parked, "settling": w.Settling, "stuck": w.Stuck},
		})
	}
	for _, l := range a.syncer.Status() {
		now.Destinations = append(now.Destinations, metrics.Destination{
			Name: l.Destination, State: string(l.State), Connected: l.Connected, Transfers: len(l.Transfers),
		})
	}
	now.Routes, err = a.gaugeRoutes(ctx, counts, halts)
	return now, err
}

// gaugeRoutes returns what waits now on each route.
func (a *Agent) gaugeRoutes(ctx context.Context, counts []state.Count, halts []state.Halt) (all []metrics.Route, err error) {
	pauses, err := a.store.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	c, closed := a.current().config, closedLinks(a.syncer.Status())
	open := map[state.Route]state.Count{}
	for _, n := range counts {
		open[n.Route] = n
	}
	for _, r := range routesOf(c) {
		one := metrics.Route{Folder: r.Folder, Destination: r.Destination, Queued: open[r].Planned + open[r].Committing}
		if one.Queued > 0 {
			in, waits, err := a.store.Oldest(ctx, r)
			if err != nil {
				return nil, err
			}
			if waits {
				one.Oldest = max(0, time.Since(in.ReadyAt))
			}
			if !isMeant(r, halts, pauses) {
				if _, one.Stalled, err = lateOn(ctx, a.store, c, open[r], closed, time.Now()); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, one)
	}
	return all, nil
}
