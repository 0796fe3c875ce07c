package agent

import (
	"context"
	"time"

	"github.com/dropferry/dropferry/metrics"
	"github.com/dropferry/dropferry/remote"
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
	queued := map[metrics.Route]int{}
	for _, c := range counts {
		queued[metrics.Route{Folder: c.Folder, Destination: c.Destination}] = c.Planned + c.Committing
	}
	for _, r := range routesOf(a.current().config) {
		one := metrics.Route{Folder: r.Folder, Destination: r.Destination}
		if n := queued[one]; n > 0 {
			in, waits, err := a.store.Oldest(ctx, r)
			if err != nil {
				return now, err
			}
			if one.Queued = n; waits {
				one.Oldest = max(0, time.Since(in.ReadyAt))
			}
		}
		now.Routes = append(now.Routes, one)
	}
	return now, nil
}
