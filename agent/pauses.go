package agent

import (
	"slices"
	"strings"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/state"
)

// pauseOf returns the longest pause that binds a route, if one does.
func pauseOf(pauses []state.Pause, route state.Route) (longest state.Pause, ok bool) {
	for _, p := range pauses {
		if p.Covers(route) && (!ok || p.Since.Before(longest.Since)) {
			longest, ok = p, true
		}
	}
	return longest, ok
}

// pausedSince words a pause.
func pausedSince(p state.Pause) string { return "paused since " + rfc3339(p.Since) }

func viewPause(p state.Pause) control.Pause {
	return control.Pause{ID: p.Intent, Folder: p.Folder, Destination: p.Destination, Since: p.Since.UTC()}
}

// binding returns the pauses that bind a target, or some of its routes. Those of a delivery are its own, which comes first,
// and those of its route: to end the one does not end the others.
func binding(pauses []state.Pause, t target, routes []state.Route) (views []control.Pause) {
	if own, ok := pauseOfOne(pauses, t.id); ok {
		views = append(views, viewPause(own))
	}
	for _, p := range pauses {
		binds := func(r state.Route) bool { return p.Covers(r) && state.Pause{Route: t.Route}.Covers(r) }
		if t.id != "" && p.Covers(t.Route) || t.id == "" && slices.ContainsFunc(routes, binds) {
			views = append(views, viewPause(p))
		}
	}
	return views
}

// pauseOfOne returns the pause of an intent, if it has one of its own.
func pauseOfOne(pauses []state.Pause, id string) (state.Pause, bool) {
	for _, p := range pauses {
		if p.Intent != "" && p.Intent == id {
			return p, true
		}
	}
	return state.Pause{}, false
}

// pausedAlone returns how many intents of a route would be sent, but for a pause of their own.
func pausedAlone(pauses []state.Pause, route state.Route) (n int) {
	for _, p := range pauses {
		if p.Phase == state.Planned && p.Route == route {
			n++
		}
	}
	return n
}

// showPauses adds the pauses to a status: to what is paused as a whole, and all of them apart.
func showPauses(s *control.Status, pauses []state.Pause) {
	s.Pauses = []control.Pause{}
	for _, p := range pauses {
		s.Pauses = append(s.Pauses, viewPause(p))
		if p.Intent != "" {
			continue
		}
		for i := range s.Folders {
			if f := &s.Folders[i]; p.Destination == "" && f.Name == p.Folder {
				f.Reason = joined(f.Reason, pausedSince(p))
			}
		}
		for i := range s.Destinations {
			d := &s.Destinations[i]
			if p.Folder != "" || d.Name != p.Destination {
				continue
			}
			d.Reason = joined(d.Reason, pausedSince(p))
			if d.State == "" || d.State == "idle" {
				d.State = "paused"
			}
		}
	}
}

func joined(reason, more string) string {
	switch {
	case reason == "":
		return more
	case more == "":
		return reason
	}
	if !strings.HasSuffix(reason, "..") {
		reason = strings.TrimSuffix(reason, ".")
	}
	return reason + "; " + more
}
