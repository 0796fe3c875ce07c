package agent

import (
	"path/filepath"
	"regexp"
	"strings"

	"github.com/dropferry/dropferry/config"
)

// typedCommand finds the commands in a sentence that need a configuration.
var typedCommand = regexp.MustCompile("(^|[ `(])dropferry (cancel|check|doctor|explain|history|once|page|pause|plan|put|reload|resend|resume|retry|run|" +
	"secret|status|trust|verify)\\b")

// Typed has the commands of dropferry in a sentence name the configuration, so that they can be typed as they stand. Whoever knows of a
// trouble does not know how the program was called: where a sentence is shown, this is done. file is what -c says; with "" the
// configuration is found without, and the sentence stays as it is.
func Typed(text, file string) string {
	if file == "" {
		return text
	}
	return typedCommand.ReplaceAllString(text, "${1}dropferry -c "+strings.ReplaceAll(shellWord(file), "$", "$$")+" ${2}")
}

// typed is a sentence of this agent for somebody who is not there: in its log, or in an alert.
func (a *Agent) typed(text string) string { return Typed(text, namedFile(a.current().config)) }

// namedFile is what -c has to say to people who ask about a configuration, "" where it is found without.
func namedFile(c *config.Config) string {
	if name, is := config.ServiceFor(c.File); is && name == "dropferry" {
		return ""
	}
	if found, err := config.Find(""); err == nil {
		if full, err := filepath.Abs(found); err == nil && full == c.File {
			return ""
		}
	}
	return c.File
}
