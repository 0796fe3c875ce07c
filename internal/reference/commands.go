package reference

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dropferry/dropferry/internal/manual"
)

func commandsPage(root *cobra.Command) string {
	p := newPage("Commands", "the command line")
	p.printf("\nWhat they do, and how they go together, is in [commands](../commands.md); `dropferry COMMAND --help` says the same as this page.\n")
	p.printf("\n## Flags of every command\n")
	p.flags(root.PersistentFlags())
	p.commands(root)
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
		p.printf("\n## %s\n\n%s.\n", strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" "), c.Short)
		p.printf("\n```\n%s\n```\n", strings.TrimSuffix(c.UseLine(), " [flags]"))
		if c.Long != "" && c.Name() != "completion" {
			p.printf("\n%s\n", strings.TrimSpace(c.Long))
		}
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		flags.AddFlagSet(c.LocalNonPersistentFlags())
		if parent.HasParent() {
			flags.AddFlagSet(parent.PersistentFlags())
		}
		p.flags(flags)
	}
}

// flags writes a table of those that people are to know, if there are any.
func (p *page) flags(flags *pflag.FlagSet) {
	begun := false
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if !begun {
			p.table("flag", "meaning")
			begun = true
		}
		word := "--" + f.Name
		if f.Shorthand != "" {
			word = "-" + f.Shorthand + ", " + word
		}
		kind, usage := pflag.UnquoteUsage(f)
		if kind != "" {
			word += " " + strings.ToUpper(kind)
		}
		p.row(code(word), usage)
	})
}

func exitCodesPage() string {
	p := newPage("Exit codes", "the list that `man dropferry` has, which a test holds to the program")
	p.printf("\nThey are stable: scripts may depend on them.\n")
	p.table("code", "meaning")
	for _, c := range manual.ExitCodes() {
		p.row(c.Code, c.Meaning)
	}
	p.printf("\n`once`, `put` and `check --connect` answer 12, 13 or 14 where that one cause stopped everything. In `run` such a fault stops its\n" +
		"destination, is told of, and never ends the agent. 2 is what a program of Go ends with that has crashed.\n")
	return p.String()
}
