package agent

import (
	"fmt"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/watcher"
)

// MappedDrives warns of folders and archives on drive letters that a person has mapped to a share. Such letters belong to the
// person's session: a service has none of them. Where the agent is a service it cannot tell, so it is for commands that a
// person types.
func MappedDrives(c *config.Config) config.Faults { return mappedDrives(c, watcher.MappedDrive) }

func mappedDrives(c *config.Config, mapped func(name string) (unc string, is bool)) config.Faults {
	var faults config.Faults
	for i := range c.Folders {
		f := &c.Folders[i]
		for _, at := range []struct{ key, name string }{{"path", f.Path}, {"archive", f.Archive}} {
			unc, is := mapped(at.name)
			if at.name == "" || !is {
				continue
			}
			fault := config.Fault{
				File: c.File, Line: f.Line, Key: "folder." + at.key, Warning: true,
				Text: fmt.Sprintf("folder %q: %s %s is on a drive that was mapped in this session: a service does not have it", f.Name, at.key, at.name),
				Hint: "name the share itself",
			}
			if unc != "" {
				fault.Hint = fmt.Sprintf("%s = '%s'", at.key, unc)
			}
			faults = append(faults, fault)
		}
	}
	return faults
}
