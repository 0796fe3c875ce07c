package agent

import (
	"log/slog"

	"github.com/dropferry/dropferry/config"
)

// warnOfDrives tells of paths on drive letters that this account does not have, which is what becomes of a mapped drive in
// a service: without a word it looks as if the folder were missing. The drive may come later, so nothing is refused.
func warnOfDrives(log *slog.Logger, c *config.Config, missing func(path string) bool) {
	for _, p := range c.LocalPaths() {
		if missing(p.Path) {
			log.Warn("there is no such drive for this account", "of", p.Of, "key", p.Key, "path", p.Path,
				"hint", `a drive that a person has mapped belongs to that person's session: name the share itself, as in '\\server\share\directory'`)
		}
	}
}
