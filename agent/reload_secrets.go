package agent

import (
	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/remote"
	"github.com/dropferry/dropferry/state"
)

// unreadable reads the secrets of all destinations, as a login does, and returns the errors by destination. Nothing is dialled.
func unreadable(c *config.Config) map[string]error {
	errs := map[string]error{}
	for i := range c.Destinations {
		d := &c.Destinations[i]
		if err := remote.CheckSecrets(targetOf(c, d)); err != nil {
			errs[d.Name] = err
		}
	}
	return errs
}

// secretFaults has a reload refused for secrets that cannot be read, and could be before: a session that stands would go on,
// and nobody would know of it before the next login. What could not be read before is no reason to keep a person from mending
// the rest.
func secretFaults(c *config.Config, were, now map[string]error, renamings []state.Renaming) config.Faults {
	var faults config.Faults
	for i := range c.Destinations {
		d := &c.Destinations[i]
		if err := now[d.Name]; err != nil && were[before(renamings, state.DestinationName, d.Name)] == nil {
			faults = append(faults, config.Fault{
				File: c.File, Line: d.Line, Key: "destination", Text: "destination \"" + d.Name + "\": " + err.Error(), Hint: remote.HintOf(err),
			})
		}
	}
	return faults
}
