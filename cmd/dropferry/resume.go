package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) resumeCommand() *cobra.Command {
	const accept = "accept-deletes"
	var deletes int
	command := &cobra.Command{
		Use:   "resume folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "End a pause, or the halt of a folder",
		Long: "resume ends a pause. A folder that has halted since too much of it is missing is looked at again, and halts again\n" +
			"if that is still so; with --accept-deletes N up to N files are removed at its destinations then.",
		Args: cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			c := control.Command{Verb: control.VerbResume, Target: args[0]}
			if command.Flags().Changed(accept) {
				c.AcceptDeletes = &deletes
			}
			return p.obey(command, c, resumed)
		},
	}
	command.Flags().IntVar(&deletes, accept, 0, "let a halted folder remove up to so many files at its destinations")
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
	if len(o.Pauses) > 0 {
		text += "; still:" + stopped(o.Pauses)
	}
	return text
}
