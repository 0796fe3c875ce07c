package manual

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Commands returns dropferry(1), which has every command of root with its flags.
func Commands(root *cobra.Command, about About) string {
	p := newPage(root.Name(), 1, about)
	p.section("NAME")
	p.line(escaped(root.Name()) + ` \- deliver files to SFTP servers: whole, verified, once`)
	p.section("SYNOPSIS")
	p.line(`.B ` + root.Name())
	p.line(`[\fIFLAGS\fR] \fICOMMAND\fR [\fIARGUMENTS\fR]`)
	p.section("DESCRIPTION")
	p.text(root.Long)
	p.section("COMMANDS")
	p.commands(root)
	p.section("FLAGS OF EVERY COMMAND")
	p.flags(root.PersistentFlags())
	p.section("EXIT CODES")
	for _, c := range ExitCodes() {
		p.term(c.Code, c.Meaning)
	}
	p.section("FILES")
	for _, f := range files {
		p.term(f.name, f.what)
	}
	p.section("SIGNALS")
	p.term("SIGTERM, SIGINT", "stop: files under way may finish for shutdown_grace. A second one ends the program at once.")
	p.term("SIGHUP", "reload the configuration; see `dropferry reload`.")
	p.section("SEE ALSO")
	p.line(`\fBdropferry\-agent.toml\fR(5), \fBsftp\fR(1), \fBsystemctl\fR(1)`)
	return p.String()
}

// commands writes those that people are to know, with what is below them.
func (p *page) commands(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" {
			continue
		}
		if c.HasAvailableSubCommands() && c.Name() != "completion" {
			p.commands(c)
			continue
		}
		p.subsection(strings.TrimSuffix(c.UseLine(), " [flags]"))
		long := c.Long
		if c.Name() == "completion" {
			long = "Prints the completion for bash, zsh, fish or powershell. Packages bring them along."
		}
		p.text(c.Short + ".")
		if long != "" {
			p.text(long)
		}
		p.flags(c.LocalNonPersistentFlags())
		if parent.HasParent() {
			p.flags(parent.PersistentFlags())
		}
	}
}

func (p *page) flags(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		word := "--" + f.Name
		if f.Shorthand != "" {
			word = "-" + f.Shorthand + ", " + word
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			word += " " + strings.ToUpper(kind)
		}
		p.term(word, usage)
	})
}

// ExitCode is one, with what it means.
type ExitCode struct{ Code, Meaning string }

// ExitCodes returns all of them.
func ExitCodes() []ExitCode { return exitCodes }

var exitCodes = []ExitCode{
	{"0", "success"},
	{"1", "general failure"},
	{"3", "finished, something is undelivered or held"},
	{"4", "usage"},
	{"5", "configuration invalid"},
	{"6", "a newer dropferry wrote the store"},
	{"10", "no agent is running"},
	{"11", "another agent holds the state directory"},
	{"12", "authentication failed"},
	{"13", "host key unknown or changed"},
	{"14", "destination unreachable"},
	{"130", "interrupted"},
}

var files = []struct{ name, what string }{
	{"/etc/dropferry/agent.toml", "the configuration of the service dropferry; NAME.toml beside it is that of dropferry@NAME"},
	{"/var/lib/dropferry", "its state: the ledger, accepted host keys, secrets. That of dropferry@NAME is /var/lib/dropferry-NAME"},
	{"~/.config/dropferry/agent.toml, ~/.local/state/dropferry", "those of a user"},
}
