package agent

import (
	"context"
	"errors"
	"slices"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// leftRoutes returns what is open of routes that are not in the configuration any more. It stays until the route is back,
// or a person cancels it: some of it may be published already.
func leftRoutes(c *config.Config, counts []state.Count) []control.LeftRoute {
	gone := routesGone(c, nil)
	var left []control.LeftRoute
	for _, n := range counts {
		if gone(n.Route) && n.Planned+n.Committing+n.Held+n.Parked > 0 {
			left = append(left, control.LeftRoute{
				Folder: n.Folder, Destination: n.Destination, Planned: n.Planned, Committing: n.Committing, Held: n.Held, Parked: n.Parked,
			})
		}
	}
	return left
}

// isGone tells whether a destination is not in the configuration.
func isGone(c *config.Config) func(string) bool {
	return func(destination string) bool {
		_, there := c.Destination(destination)
		return !there
	}
}

// leftTarget returns what a command is about that names something which has left the configuration, and has left things
// behind.
func leftTarget(ctx context.Context, c *config.Config, store countsStore, text string) (t target, ok bool) {
	t, ok = splitTarget(text)
	if !ok || t.id != "" {
		return t, false
	}
	counts, err := store.Counts(ctx)
	return t, err == nil && slices.ContainsFunc(leftRoutes(c, counts), func(l control.LeftRoute) bool {
		return (t.Folder == "" || t.Folder == l.Folder) && (t.Destination == "" || t.Destination == l.Destination)
	})
}

type countsStore interface {
	Counts(ctx context.Context) ([]state.Count, error)
}

// understood is understand with the store at hand: what has left the configuration can still be cancelled.
func (m *commander) understood(ctx context.Context, command control.Command) (target, error) {
	t, err := understand(m.config, command)
	if err != nil && command.Verb == control.VerbCancel {
		if left, ok := leftTarget(ctx, m.config, m.store, command.Target); ok {
			return left, nil
		}
	}
	return t, err
}

// isLeft tells whether a command that understand refuses is about what has left the configuration. It creates no store.
func isLeft(ctx context.Context, c *config.Config, command control.Command) (bool, error) {
	if command.Verb != control.VerbCancel {
		return false, nil
	}
	store, err := state.OpenReader(ctx, c.Agent.StateDir)
	if err != nil {
		if errors.Is(err, state.ErrNoStore) {
			err = nil
		}
		return false, err
	}
	_, ok := leftTarget(ctx, c, store, command.Target)
	return ok, store.Close()
}

// explainLeft tells of what is open for destinations that a folder is not sent to any more.
func explainLeft(rules *syncer.Folder, record state.Record) []control.RouteOf {
	var left []control.RouteOf
	for i := range record.Intents {
		in := &record.Intents[i]
		if slices.ContainsFunc(rules.Routes, func(r syncer.Route) bool { return r.Destination == in.Destination }) {
			continue
		}
		switch in.Phase {
		case state.Planned, state.Committing, state.Held, state.Parked:
		default:
			continue
		}
		r := control.RouteOf{Destination: in.Destination}
		explainIntent(&r, in, rules.After)
		if in.Phase == state.Committing {
			r.Reason = "it may be published already"
		}
		r.Reason += "; the configuration does not send the folder there any more: `dropferry cancel " + in.ID + "` forgets it"
		left = append(left, r)
	}
	return left
}
