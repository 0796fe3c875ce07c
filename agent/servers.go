package agent

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/dropferry/dropferry/control"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// Servers returns what is known of the servers of all destinations, without asking them: what their last probes have found,
// and what uploads have shown since.
func (a *Agent) Servers(ctx context.Context) (control.Servers, error) {
	c := a.current().config
	known := control.Servers{Destinations: []control.Reached{}}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		target := targetOf(c, d)
		one := control.Reached{
			Name: d.Name, Address: target.Addr(), User: target.User, Root: d.Root, Way: wayOf(c, d), OnlyWay: c.OnlyJump(d), Servers: []control.Probed{},
		}
		last, err := a.store.History(ctx, state.Filter{Destination: d.Name, Limit: 1})
		if err != nil {
			return known, err
		}
		for _, r := range last {
			one.HostKey = r.Proof.HostKey
		}
		texts, err := a.store.AllCapabilities(ctx, d.Name)
		if err != nil {
			return known, err
		}
		for _, text := range texts {
			var can remote.Capabilities
			if json.Unmarshal(text, &can) != nil || can.ProbedAt.IsZero() { // of another version, or of a probe that came to no end
				continue
			}
			one.Servers = append(one.Servers, viewProbed(&can, findingsOf(d, &can)))
		}
		known.Destinations = append(known.Destinations, one)
	}
	return known, nil
}

func viewProbed(c *remote.Capabilities, findings []remote.Finding) control.Probed {
	p := control.Probed{
		Banner: c.Banner, ProbedAt: c.ProbedAt.UTC(), Findings: []control.Capability{},
		Extensions: append([]string{}, slices.Sorted(maps.Keys(c.Extensions))...),
	}
	for _, f := range findings {
		p.Findings = append(p.Findings, control.Capability{Name: f.Name, OK: f.OK, Text: f.Text})
	}
	return p
}
