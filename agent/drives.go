package agent

import (
	"log/slog"

	"github.com/dropferry/dropferry/config"
	"github.com/dropferry/dropferry/service"
	"github.com/dropferry/dropferry/watcher"
)

// CheckService finds what a configuration cannot mean where the agent is a service of the system: paths on drives that a person has mapped to
// a share, which a service never has.
func CheckService(c *config.Config, host service.Host) config.Faults {
	return checkService(c, host, watcher.PersonsDrive)
}

func checkService(c *config.Config, host service.Host, mapped func(path string) (unc string, is bool)) config.Faults {
	if _, person := host.(service.Nobody); person || host == nil {
		return nil
	}
	return c.MappedDrives(mapped)
}

// warnOfDrives tells of paths on drive letters that this account does not have: without a word it looks as if the folder were missing. The drive
// may come later, as that of a disk that is not plugged in, so nothing is refused.
func warnOfDrives(log *slog.Logger, c *config.Config, missing func(path string) bool) {
	for _, p := range c.LocalPaths() {
		if missing(p.Path) {
			log.Warn("there is no such drive for this account", "of", p.Of, "key", p.Key, "path", p.Path,
				"hint", `a drive that a person has mapped belongs to that person's session: name the share itself, as in '\\server\share\directory'`)
		}
	}
}
