package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) retryCommand() *cobra.Command {
	c := control.Command{Verb: control.VerbRetry}
	command := &cobra.Command{
		Use:   "retry ID|folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "Free what is held, parked, blocked or waiting",
		Long: "retry frees what is held or parked, makes what waits for a next attempt due now, and has a blocked or waiting\n" +
			"destination dialled at once. Somebody else's file at a final name stays there, and its file held, but with\n" +
			"--overwrite or --keep-both.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c.Target = args[0]
			return p.obey(command, c, retried)
		},
	}
	flags := command.Flags()
	flags.BoolVar(&c.Overwrite, "overwrite", false, "let what is held replace somebody else's file at its final name")
	flags.BoolVar(&c.KeepBoth, "keep-both", false, "publish what is held beside it, as NAME.conflict-TIME.EXT")
	return command
}

func retried(o control.Outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s freed", o.Target, files(o.Count))
	if o.Hastened > 0 {
		fmt.Fprintf(&b, ", %d of them waited for a next attempt", o.Hastened)
	}
	for _, r := range o.Renamed {
		fmt.Fprintf(&b, "\n  %s is published as %s", r.ID, shown(r.RemotePath))
	}
	for _, d := range o.Destinations {
		fmt.Fprintf(&b, "\n  destination %s is free to be dialled at once", d)
	}
	b.WriteString(stopped(o.Pauses))
	return b.String()
}
