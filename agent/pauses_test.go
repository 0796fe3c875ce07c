package agent

import (
	"slices"
	"testing"

	"github.com/dropferry/dropferry/state"
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
