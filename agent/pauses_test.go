package agent

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/state"
	"github.com/dropferry/dropferry/syncer"
)

// TestBinding names the pauses that keep a target from being sent, and no others.
func TestBinding(t *testing.T) {
	t.Parallel()
	const id, other = "0123456789abcdef", "fedcba9876543210"
	invoices, orders := state.Route{Folder: "invoices", Destination: "acme"}, state.Route{Folder: "orders", Destination: "umbrella"}
	pauses := []state.Pause{
		{Route: state.Route{Destination: "acme"}},
		{Route: state.Route{Folder: "invoices"}},
		{Route: orders},
		{Route: invoices, Intent: id},
		{Route: invoices, Intent: other},
	}
	for name, row := range map[string]struct {
		target target
		want   []string
	}{
		"a delivery, its own first":  {target{id: id, Route: invoices}, []string{id, "destination:acme", "folder:invoices"}},
		"a delivery without its own": {target{id: "00", Route: orders}, []string{"orders/umbrella"}},
		"a delivery of a route that has left the configuration": {
			target{id: "00", Route: state.Route{Folder: "old", Destination: "acme"}}, []string{"destination:acme"},
		},
		"a folder":      {target{Route: state.Route{Folder: "orders"}}, []string{"orders/umbrella"}},
		"a destination": {target{Route: state.Route{Destination: "acme"}}, []string{"destination:acme", "folder:invoices"}},
		"a route":       {target{Route: orders}, []string{"orders/umbrella"}},
	} {
		var got []string
		for _, p := range binding(pauses, row.target, []state.Route{invoices, orders}) {
			got = append(got, p.Target())
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

// TestPausedAlone counts what only a pause keeps from being sent: what is parked or held counts as that.
func TestPausedAlone(t *testing.T) {
	t.Parallel()
	r := state.Route{Folder: "invoices", Destination: "acme"}
	pauses := []state.Pause{
		{Route: r},
		{Route: r, Intent: "1", Phase: state.Planned},
		{Route: r, Intent: "2", Phase: state.Parked},
		{Route: r, Intent: "3", Phase: state.Held},
		{Route: r, Intent: "4", Phase: state.Committing},
		{Route: state.Route{Folder: "invoices", Destination: "umbrella"}, Intent: "5", Phase: state.Planned},
	}
	if n := pausedAlone(pauses, r); n != 1 {
		t.Errorf("%d, want 1", n)
	}
}

// TestPlanHeedsPauses holds what is paused alone, and not another version of it.
func TestPlanHeedsPauses(t *testing.T) {
	t.Parallel()
	r := state.Route{Folder: "invoices", Destination: "acme"}
	alone := func(phase state.Phase) state.Pause {
		return state.Pause{Route: r, Intent: "1", Path: "a.xml", Phase: phase}
	}
	for name, row := range map[string]struct {
		pause state.Pause
		id    string
		op    syncer.Op
		held  bool
	}{
		"the route":                     {state.Pause{Route: r}, "", syncer.Upload, true},
		"another route":                 {state.Pause{Route: state.Route{Folder: "orders"}}, "", syncer.Upload, false},
		"this version":                  {alone(state.Planned), "1", syncer.Upload, true},
		"a newer version of it":         {alone(state.Planned), "", syncer.Upload, false},
		"another file":                  {alone(state.Planned), "2", syncer.Upload, false},
		"one that may be published":     {alone(state.Committing), "1", syncer.Upload, false},
		"what would not be sent anyway": {state.Pause{Route: r}, "", syncer.Wait, false},
	} {
		o := syncer.Operation{Op: row.op, Folder: r.Folder, Destination: r.Destination, Path: "a.xml", ID: row.id}
		heedPause(&o, []state.Pause{row.pause})
		if held := o.Op == syncer.Hold && o.Reason == syncer.ReasonPaused; held != row.held {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestJoined has what stops a folder follow what its watcher says, which may be a sentence.
func TestJoined(t *testing.T) {
	for _, row := range []struct{ reason, want string }{
		{"", "paused"},
		{"slow", "slow; paused"},
		{"It tells of no changes any more.", "It tells of no changes any more; paused"},
		{"wait ...", "wait ...; paused"},
	} {
		if got := joined(row.reason, "paused"); got != row.want {
			t.Errorf("%q, want %q", got, row.want)
		}
	}
}
