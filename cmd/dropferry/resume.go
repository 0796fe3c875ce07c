package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) resumeCommand() *cobra.Command {
	const accept = "accept-deletes"
	var deletes int
	var unmounted bool
	command := &cobra.Command{
		Use:   "resume ID|folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "End a pause, or the halt of a folder",
		Long: "resume ends a pause. A folder that has halted since too much of it is missing is looked at again, and halts again\n" +
			"if that is still so; with --accept-deletes N up to N files are removed at its destinations then.\n\n" +
			"What lies on a file system that was mounted in the folder, and is not any more, is neither sent nor taken for gone.\n" +
			"With --accept-unmounted it is: a mirror that deletes removes it then, as far as max_delete lets it.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c := control.Command{Verb: control.VerbResume, Target: args[0], AcceptUnmounted: unmounted}
			if command.Flags().Changed(accept) {
				c.AcceptDeletes = &deletes
			}
			return p.obey(command, c, resumed)
		},
	}
	command.Flags().IntVar(&deletes, accept, 0, "let a halted folder remove up to so many files at its destinations")
	command.Flags().BoolVar(&unmounted, "accept-unmounted", false, "take what is not mounted in a folder any more for gone")
	return command
}

func resumed(o control.Outcome) string {
	text := o.Target + ": resumed"
	switch {
	case o.Count == 0:
		text = o.Target + " is not paused"
		if strings.HasPrefix(o.Target, "folder:") {
			text += ", nor halted"
		}
	case o.Halted != nil:
		text += "; it was halted: " + shown(o.Halted.Detail) + ". The folder is looked at again"
	}
	if len(o.Unmounted) > 0 {
		places := make([]string, len(o.Unmounted))
		for i, p := range o.Unmounted {
			places[i] = shown(p)
		}
		text += "; not waited for any more: " + strings.Join(places, ", ")
	}
	if len(o.Pauses) > 0 {
		text += "; still:" + stopped(o.Pauses)
	}
	return text
}
