package agent

import (
	"github.com/dropferry/dropferry/bandwidth"
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
)

// ratesOf returns the limits that a configuration sets.
func ratesOf(c *config.Config) bandwidth.Rates {
	rates := bandwidth.Rates{Total: c.Agent.Bandwidth, Each: make(map[string]int64, len(c.Destinations))}
	for i := range c.Destinations {
		rates.Each[c.Destinations[i].Name] = c.Destinations[i].Bandwidth
	}
	return rates
}

// limitsOf returns limits that are a command's own: it shares them with no other process.
func limitsOf(c *config.Config) *bandwidth.Limits {
	limits := bandwidth.New()
	limits.Set(ratesOf(c))
	return limits
}

// paced returns the target with the limits that its destination keeps.
func paced(t remote.Target, limits *bandwidth.Limits) remote.Target {
	t.Pacer = limits.Limit(t.Name)
	return t
}
