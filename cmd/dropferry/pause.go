package main

import (
	"github.com/spf13/cobra"

	"github.com/dropferry/dropferry/control"
)

func (p *program) pauseCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pause ID|folder:NAME|destination:NAME|FOLDER/DESTINATION",
		Short: "Begin no delivery of it until `resume`; what is under way ends",
		Args:  cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, args []string) error {
			return p.obey(command, control.Command{Verb: control.VerbPause, Target: args[0]}, func(o control.Outcome) string {
				if o.Count == 0 {
					return o.Target + " was paused before:" + stopped(o.Pauses)
				}
				return o.Target + ": paused. What is under way ends; `dropferry resume " + o.Target + "` lets the rest go on"
			})
		},
	}
}
