package main

import (
	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "End a pause",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.obey(command, control.Command{Verb: control.VerbResume, Target: args[0]}, func(o control.Outcome) string {
				text := o.Target + ": resumed"
				if o.Count == 0 {
					text = o.Target + " is not paused"
				}
				if len(o.Pauses) > 0 {
					text += "; still:" + stopped(o.Pauses)
				}
				return text
			})
		},
	}
}
